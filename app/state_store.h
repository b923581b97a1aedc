#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace gslb::app {

/// Files in `server.state_dir`: small ones that are replaced as a whole, and one log that grows. It
/// never waits for the disk: one job at a time is on its way, and what changes meanwhile is written
/// next. What cannot be written is logged once, tried again, and logged once more when it works.
/// One thread.
class StateStore {
 public:
  /// Runs `work` on another thread, then `done` on this one.
  using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;

  static constexpr std::size_t kMaxLogSize = std::size_t{10} << 20;  ///< Of each of the two files.
  static constexpr std::size_t kMaxWaitingLines = 10'000;

  explicit StateStore(Offload offload) : offload_(std::move(offload)) {}

  /// Empty: nothing is kept.
  void set_folder(std::filesystem::path folder) { folder_ = std::move(folder); }
  const std::filesystem::path& folder() const { return folder_; }

  /// Why the newest job failed; empty where it has not.
  const std::string& last_error() const { return last_error_; }

  /// What a file holds; nothing where there is none, or it cannot be read, which is logged. Waits
  /// for the disk: for the start.
  std::optional<std::string> load(const std::string& name) const;

  /// Replaces the file soon. The newest text counts.
  void save(const std::string& name, std::string text);

  /// Adds a line to the log soon. When that has grown to kMaxLogSize, it becomes NAME.1, and what
  /// that was is gone.
  void append(const std::string& name, std::string line);

  /// Writes what is waiting, once no job is under way any more. Waits for the disk: for the end.
  void finish();

 private:
  struct Work {
    std::map<std::string, std::string> files;
    std::map<std::string, std::deque<std::string>> lines;

    bool empty() const { return files.empty() && lines.empty(); }
  };

  void start();
  void end(const std::string& error);

  static std::string write(const std::filesystem::path& folder, Work& work);

  Offload offload_;
  std::filesystem::path folder_;
  Work waiting_;
  bool is_busy_ = false;
  std::size_t lost_lines_ = 0;
  std::string last_error_;
};

}  // namespace gslb::app
