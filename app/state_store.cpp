#include "app/state_store.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "base/file.h"
#include "base/unique_fd.h"

namespace gslb::app {
namespace {

constexpr std::size_t kMaxFileSize = std::size_t{64} << 20;

/// Empty where it is done; what errno says otherwise.
std::string append_text(const std::filesystem::path& file, std::string_view text) {
  const base::UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fd) return base::errno_text();
  struct stat status {};
  ::fstat(fd.get(), &status);
  if (status.st_size > 0 &&
      static_cast<std::size_t>(status.st_size) + text.size() > StateStore::kMaxLogSize) {
    const std::filesystem::path old = file.string() + ".1";
    if (::rename(file.c_str(), old.c_str()) != 0) return base::errno_text();
    return append_text(file, text);
  }
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      std::string problem = base::errno_text();
      // Half a line would spoil the next one.
      if (::ftruncate(fd.get(), status.st_size) != 0) problem += " (and a part of a line is left)";
      return problem;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return "";
}

std::string replace_file(const std::filesystem::path& file, const std::string& text) {
  auto fresh = base::AtomicFile::make(file);
  if (!fresh) return fresh.error();
  if (const auto written = fresh->write(text); !written) return written.error();
  const auto done = fresh->commit();
  return done ? "" : done.error();
}

}  // namespace

std::optional<std::string> StateStore::load(const std::string& name) const {
  if (folder_.empty()) return std::nullopt;
  const std::filesystem::path file = folder_ / name;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  auto content = base::read_file(file, kMaxFileSize, "is larger than 64 MiB");
  if (content) return std::move(content->text);
  spdlog::warn("{}: {}", file.string(), content.error());
  return std::nullopt;
}

void StateStore::save(const std::string& name, std::string text) {
  if (folder_.empty()) return;
  waiting_.files[name] = std::move(text);
  start();
}

void StateStore::append(const std::string& name, std::string line) {
  if (folder_.empty()) return;
  auto& lines = waiting_.lines[name];
  lines.push_back(std::move(line) + "\n");
  if (lines.size() > kMaxWaitingLines) {
    lines.pop_front();
    ++lost_lines_;
  }
  start();
}

void StateStore::start() {
  if (is_busy_ || waiting_.empty()) return;
  is_busy_ = true;
  const auto work = std::make_shared<Work>(std::exchange(waiting_, {}));
  const auto error = std::make_shared<std::string>();
  offload_([folder = folder_, work, error] { *error = write(folder, *work); },
           [this, work, error] {
             // What could not be written is older than what has come since.
             for (auto& [name, text] : work->files) waiting_.files.try_emplace(name, text);
             for (auto& [name, lines] : work->lines) {
               auto& behind = waiting_.lines[name];
               behind.insert(behind.begin(), lines.begin(), lines.end());
             }
             end(*error);
           });
}

void StateStore::end(const std::string& error) {
  is_busy_ = false;
  if (error != last_error_) {
    if (!error.empty()) {
      spdlog::error("{}: {}; overrides, health and events are kept in memory alone",
                    folder_.string(), error);
    } else {
      spdlog::info("{}: can be written again{}", folder_.string(),
                   lost_lines_ == 0
                       ? ""
                       : fmt::format("; {} events are lost", std::exchange(lost_lines_, 0)));
    }
    last_error_ = error;
  }
  // With an error the next change tries again.
  if (error.empty()) start();
}

/// Takes out of `work` what has been written.
std::string StateStore::write(const std::filesystem::path& folder, Work& work) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return problem.message();
  while (!work.files.empty()) {
    const auto& [name, text] = *work.files.begin();
    if (const std::string error = replace_file(folder / name, text); !error.empty()) return error;
    work.files.erase(work.files.begin());
  }
  while (!work.lines.empty()) {
    auto& [name, lines] = *work.lines.begin();
    std::string text;
    for (const std::string& line : lines) text += line;
    if (const std::string error = append_text(folder / name, text); !error.empty()) return error;
    work.lines.erase(work.lines.begin());
  }
  return "";
}

void StateStore::finish() {
  if (folder_.empty() || waiting_.empty()) return;
  const std::string error = write(folder_, waiting_);
  if (!error.empty()) spdlog::error("{}: {}", folder_.string(), error);
}

}  // namespace gslb::app
