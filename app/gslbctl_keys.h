#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace CLI {
class App;
}

namespace gslb::app {

/// A command that was chosen, with its options; returns the exit status.
using Command = std::function<int()>;

/// Adds `keys generate|ds|set|status` to the command line. Parsing it sets `command` to the one
/// that was given. `command` must outlive `app`.
void add_keys_commands(CLI::App& app, Command& command);

/// What an option such as --activate stands for: "now", "+30d" and "+12h" from now on (units s, m,
/// h, d, w), or "YYYYMMDDHHMMSS" in UTC; nothing for "none". The error is "what is wrong; what to
/// do".
tl::expected<std::optional<std::chrono::sys_seconds>, std::string> parse_key_time_option(
    std::string_view text, std::chrono::sys_seconds now);

}  // namespace gslb::app
