#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "routing/latency_cell.h"

namespace gslb::routing {

/// The content of a latency.db: the columns of its cells are positions in `endpoints`.
struct LatencyDb {
  std::vector<std::string> endpoints;
  LatencyCells cells;

  bool operator==(const LatencyDb&) const = default;
};

/// What a latency.db consists of, piece by piece, so that it never lies in memory as a whole: a
/// header with the version, the names, the cells, and at the end a checksum. Numbers are
/// little-endian.
///
/// Borrows its arguments. Not thread-safe.
class LatencyDbWriter {
 public:
  LatencyDbWriter(std::span<const std::string> endpoints, std::span<const LatencyCell> cells)
      : endpoints_(endpoints), cells_(cells) {}

  /// The next piece; empty at the end. Valid until the next call.
  std::string_view next();

 private:
  std::span<const std::string> endpoints_;
  std::span<const LatencyCell> cells_;
  std::string piece_;
  std::uint64_t checksum_ = 0;
  enum class Part : std::uint8_t { kHead, kCells, kChecksum, kEnd } part_ = Part::kHead;
};

/// The error says what is wrong with the content. Thread-safe.
tl::expected<LatencyDb, std::string> parse_latency_db(std::string_view content);

}  // namespace gslb::routing
