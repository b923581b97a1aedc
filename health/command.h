#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "health/pending.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// A command of the administrator's. No shell reads it.
struct CommandSpec {
  std::vector<std::string> arguments;  ///< The first is the absolute path of the program.
  /// All that the command finds in its environment, beside a PATH.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string input;  ///< On its standard input, at most 64 KiB.
  std::chrono::milliseconds timeout{10'000};
};

struct CommandResult {
  enum class End : std::uint8_t { kExited, kSignalled, kTimedOut, kNotStarted };

  End end = End::kNotStarted;
  int value = 0;          ///< The exit status, the signal, or why it was not started (errno).
  std::string last_line;  ///< Of its output and errors; printable ASCII. May be empty.
};

/// Runs the command as a process group of its own, which inherits no descriptors and is killed when
/// the time is over or the result is destroyed. `callback` is called exactly once, after this
/// function has returned, unless the result is destroyed before. One thread, that of `io`.
[[nodiscard]] std::unique_ptr<Pending> run_command(
    boost::asio::io_context& io, const CommandSpec& spec,
    std::function<void(const CommandResult&)> callback);

}  // namespace gslb::health
