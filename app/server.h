#pragma once

#include <filesystem>
#include <memory>

#include "app/config.h"

namespace gslb::app {

/// Runs the daemon in the foreground until SIGTERM or SIGINT: opens the sockets, answers, probes,
/// and takes over the file's changes. `config` was loaded from `file`. Returns the exit status of
/// the process: 0, or 1 where it could not start. Call it once, from the main thread.
int run_server(const std::filesystem::path& file, const std::shared_ptr<const Config>& config);

}  // namespace gslb::app
