#pragma once

#include "app/gslbctl_keys.h"

namespace gslb::app {

// Each adds a command to the command line; as add_keys_commands.
void add_explain_command(CLI::App& app, Command& command);
void add_diff_command(CLI::App& app, Command& command);

}  // namespace gslb::app
