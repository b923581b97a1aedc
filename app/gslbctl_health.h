#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "app/gslbctl_keys.h"

namespace gslb::app {

/// Adds `gslbctl disable|enable|drain|probe`.
void add_health_commands(CLI::App& app, Command& command);

/// The text of a reply to a probe, for people.
tl::expected<std::string, std::string> probes_text(std::string_view json);

/// The table of `gslbctl endpoints NAME`: each check with what it found. The error says that there
/// is no such endpoint, or that the reply cannot be read.
tl::expected<std::string, std::string> checks_text(std::string_view json,
                                                   std::string_view endpoint);

}  // namespace gslb::app
