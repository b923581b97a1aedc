#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gslb::support {

/// A child process whose stdout and stderr are collected into one text. Ended, if need be by
/// SIGKILL, when it goes out of scope. output() and wait_for_output() may be called from any
/// thread.
class Process {
 public:
  /// Runs `arguments[0]`, looked up in PATH. `arguments` must not be empty.
  explicit Process(const std::vector<std::string>& arguments);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  std::string output() const;

  /// Waits until `text` occurs in the output from `offset` on. The offset behind it, or nothing
  /// after the timeout or the end of the output.
  std::optional<std::size_t> wait_for_output(
      const std::string& text, std::size_t offset = 0,
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;

  void signal(int number) const;
  /// Resident memory in kB; 0 where it cannot be told.
  long resident_kb() const;
  bool is_running();

  /// Waits for its end. The exit status, or 128 + the signal; nothing after the timeout.
  std::optional<int> wait(std::chrono::milliseconds timeout = std::chrono::seconds(20));

 private:
  void collect(int fd);

  pid_t pid_ = -1;
  std::optional<int> status_;
  mutable std::mutex mutex_;
  mutable std::condition_variable grown_;
  std::string output_;
  bool ended_ = false;
  std::thread collector_;
};

struct Finished {
  int status = -1;
  std::string output;
};

/// Runs a command to its end.
Finished run(const std::vector<std::string>& arguments);

/// A folder of its own, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes in place, as `cp` does.
void write_file(const std::filesystem::path& file, const std::string& text);
/// Writes a new file and renames it over the old one, as editors do.
void replace_file(const std::filesystem::path& file, const std::string& text);

}  // namespace gslb::support
