#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "routing/range_map.h"

namespace gslb::routing {

/// An endpoint as the latency map knows it: a number that it keeps as long as the program runs,
/// whatever becomes of the configuration.
using LatencyColumn = std::uint16_t;

/// How far an endpoint is from a client network.
struct LatencySample {
  LatencyColumn column = 0;
  std::uint32_t rtt_us = 0;

  bool operator==(const LatencySample&) const = default;
};

/// The measured round-trip times of all client networks. Immutable, so any number of threads may
/// read it.
class LatencyMap {
 public:
  /// Knows no measurement.
  LatencyMap() : row_starts_{0} {}
  /// `ranges` leads to row numbers; row i is samples[row_starts[i]] … samples[row_starts[i + 1]],
  /// sorted by rising `rtt_us`.
  LatencyMap(RangeMap ranges, std::vector<std::uint32_t> row_starts,
             std::vector<LatencySample> samples)
      : ranges_(std::move(ranges)),
        row_starts_(std::move(row_starts)),
        samples_(std::move(samples)) {}

  /// The networks: each value is a row; kNone means no measurement.
  const RangeMap& ranges() const noexcept { return ranges_; }

  /// The samples of a value of ranges(), the nearest endpoint first; none for RangeMap::kNone.
  std::span<const LatencySample> row(std::uint32_t value) const noexcept {
    if (value == RangeMap::kNone) return {};
    return std::span(samples_).subspan(row_starts_[value],
                                       row_starts_[value + 1] - row_starts_[value]);
  }
  std::size_t sample_count() const noexcept { return samples_.size(); }

  /// In octets.
  std::size_t memory() const noexcept {
    return ranges_.memory() + row_starts_.capacity() * sizeof(std::uint32_t) +
           samples_.capacity() * sizeof(LatencySample);
  }

 private:
  RangeMap ranges_;
  std::vector<std::uint32_t> row_starts_;
  std::vector<LatencySample> samples_;
};

}  // namespace gslb::routing
