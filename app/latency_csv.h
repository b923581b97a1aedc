#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/latency_rows.h"

namespace gslb::app {

/// A finding about a line of a latency file.
struct LatencyCsvNote {
  std::size_t line = 0;
  std::string message;  ///< "what is wrong; what to do", in one line.

  bool operator==(const LatencyCsvNote&) const = default;
};

struct LatencyCsv {
  std::vector<routing::FiledLatency> lines;  ///< Sorted as routing::LatencySources has it.
  std::vector<LatencyCsvNote> errors;        ///< The first of them, by line.
  std::vector<LatencyCsvNote> warnings;      ///< One for each endpoint that is not there.
};

/// Finds an endpoint of the configuration by its name.
using FindEndpoint = std::function<std::optional<std::uint16_t>(std::string_view)>;

/// Reads lines `prefix,endpoint,rtt_ms`, such as "192.0.2.0/24,london,12.5". The first line may be
/// a header; blank lines and those that begin with '#' are passed over. Lines about endpoints that
/// are not there are left out.
LatencyCsv parse_latency_csv(std::string_view text, const FindEndpoint& find_endpoint);

/// "12.5", from 0 to 60 seconds, as microseconds.
std::optional<std::uint32_t> parse_rtt_ms(std::string_view text);

}  // namespace gslb::app
