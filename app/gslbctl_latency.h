#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "app/gslbctl_keys.h"
#include "base/ip_address.h"

namespace gslb::app {

/// A line of a file of measurements.
struct MeasuredLine {
  std::size_t line = 0;  ///< From 1.
  base::IpAddress client;
  std::string endpoint;
  double rtt_ms = 0;
};

/// Reads lines `CLIENT,ENDPOINT,RTT_MS`. CLIENT is an address, or a network no wider than those
/// that measurements are kept for: /24 and /48. The first line may be a header; blank lines and
/// those that begin with '#' are passed over. The errors are `NAME:LINE: what is wrong; what to
/// do`, of all lines.
tl::expected<std::vector<MeasuredLine>, std::vector<std::string>> parse_measured_lines(
    std::string_view text, const std::string& name);

/// Adds `latency import|show` to the command line, as add_keys_commands does.
void add_latency_commands(CLI::App& app, Command& command);

}  // namespace gslb::app
