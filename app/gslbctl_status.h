#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "app/gslbctl_keys.h"

namespace gslb::app {

/// Adds `check`, `status`, `endpoints` and `reload` to the command line, as add_keys_commands does.
void add_status_commands(CLI::App& app, Command& command);

/// The reply to GET /v1/status and /v1/endpoints as a table for people. The error says what is
/// wrong with it.
tl::expected<std::string, std::string> status_table(std::string_view json);
tl::expected<std::string, std::string> endpoints_table(std::string_view json);

/// Leaves one profile in the reply to GET /v1/status. The error: there is none of that name.
tl::expected<std::string, std::string> only_profile(std::string_view json, std::string_view name);

}  // namespace gslb::app
