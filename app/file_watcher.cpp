#include "app/file_watcher.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace gslb::app {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using boost::system::error_code;

/// Editors make several events of one save.
constexpr std::chrono::milliseconds kSettle{50};
/// How often a directory that went away is looked for.
constexpr std::chrono::seconds kRetry{1};

/// What tells one content of a file, or of those of a folder, from the next without reading it.
using FileState = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;
using Fingerprint = std::map<std::string, FileState>;

std::optional<Fingerprint> fingerprint(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return std::nullopt;
  return Fingerprint{
      {{}, {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec}}};
}

std::optional<Fingerprint> fingerprint_of_folder(const fs::path& folder) {
  Fingerprint files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    struct stat info {};
    if (::stat(entry->path().c_str(), &info) != 0) continue;
    // The time of change: a file that its owner may read at last has not been modified.
    files[entry->path().filename().string()] = {info.st_dev, info.st_ino, info.st_size,
                                                info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
  }
  if (error) return std::nullopt;
  return files;
}

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

}  // namespace

class FileWatcher::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, fs::path file, Callback on_change)
      : file_(std::move(file)),
        on_change_(std::move(on_change)),
        is_folder_(fs::is_directory(file_, ignored_)),
        known_(current()),
        inotify_(io),
        settle_(io),
        retry_(io) {}

  std::string start() {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return std::string("inotify: ") + std::strerror(errno);
    inotify_.assign(fd);
    if (!watch_directories()) {
      const int number = errno;
      stop();
      return (is_folder_ ? file_ : directory_of(file_)).string() + ": " + std::strerror(number);
    }
    read();
    return {};
  }

  void stop() {
    error_code ignored;
    inotify_.close(ignored);
    settle_.cancel();
    retry_.cancel();
  }

 private:
  std::optional<Fingerprint> current() const {
    return is_folder_ ? fingerprint_of_folder(file_) : fingerprint(file_);
  }

  /// Watches the folder, and the directory that it is in, where another may be put in its place.
  bool watch_folder() {
    constexpr std::uint32_t kInside = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                      IN_DELETE | IN_ATTRIB | IN_ONLYDIR;
    ::inotify_add_watch(inotify_.native_handle(), directory_of(file_).c_str(),
                        IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
    return ::inotify_add_watch(inotify_.native_handle(), file_.c_str(), kInside) >= 0;
  }

  /// Watches the directory of the file and that of the file behind a symbolic link. False where the
  /// first cannot be watched, with errno.
  bool watch_directories() {
    if (is_folder_) return watch_folder();
    // Not IN_MODIFY or IN_CREATE of a regular file: half a configuration can be a valid one.
    constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR;
    names_ = {file_.filename().string()};
    if (::inotify_add_watch(inotify_.native_handle(), directory_of(file_).c_str(), kEvents) < 0) {
      return false;
    }
    std::error_code error;
    const fs::path target = fs::canonical(file_, error);
    if (error) return true;
    names_.insert(target.filename().string());
    // Adding the same directory again changes nothing.
    ::inotify_add_watch(inotify_.native_handle(), directory_of(target).c_str(), kEvents);
    return true;
  }

  void read() {
    inotify_.async_read_some(asio::buffer(events_),
                             [self = shared_from_this()](error_code error, std::size_t size) {
                               if (error || !self->inotify_.is_open()) return;
                               self->on_events(size);
                               self->read();
                             });
  }

  void on_events(std::size_t size) {
    for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
      inotify_event event;
      std::memcpy(&event, events_.data() + at, sizeof event);
      const char* name = event.len > 0 ? events_.data() + at + sizeof event : "";
      on_event(event, name);
      at += sizeof event + event.len;
    }
  }

  void on_event(const inotify_event& event, const std::string& name) {
    if ((event.mask & IN_IGNORED) != 0) return watch_again();
    if ((event.mask & IN_Q_OVERFLOW) != 0) return check_soon();
    const fs::path place = is_folder_ ? file_ : directory_of(file_);
    if (fs::is_symlink(fs::symlink_status(place / name, ignored_))) return check_soon();
    // A new file is complete when it is closed; a folder that takes the place of ours is at once.
    const bool is_new_file = (event.mask & IN_CREATE) != 0 && (event.mask & IN_ISDIR) == 0;
    const bool is_ours = is_folder_ || names_.count(name) > 0;
    if (is_ours && !is_new_file) check_soon();
  }

  void check_soon() {
    if (std::exchange(checking_, true)) return;
    settle_.expires_after(kSettle);
    settle_.async_wait([self = shared_from_this()](error_code error) {
      self->checking_ = false;
      if (!error && self->inotify_.is_open()) self->check();
    });
  }

  void check() {
    watch_directories();
    const std::optional<Fingerprint> now = current();
    // A missing file is about to be replaced; the event of that will follow.
    if (!now || now == known_) return;
    known_ = now;
    on_change_();
  }

  void watch_again() {
    retry_.expires_after(kRetry);
    retry_.async_wait([self = shared_from_this()](error_code error) {
      if (error || !self->inotify_.is_open()) return;
      if (!self->watch_directories()) return self->watch_again();
      self->check_soon();
    });
  }

  fs::path file_;
  Callback on_change_;
  std::error_code ignored_;
  bool is_folder_;
  std::optional<Fingerprint> known_;
  asio::posix::stream_descriptor inotify_;
  asio::steady_timer settle_;
  asio::steady_timer retry_;
  std::set<std::string> names_;  ///< Of the file, and of what it links to.
  alignas(inotify_event) std::array<char, 4096> events_;
  bool checking_ = false;
};

FileWatcher::FileWatcher(asio::io_context& io, fs::path file, Callback on_change)
    : impl_(std::make_shared<Impl>(io, std::move(file), std::move(on_change))) {}

FileWatcher::~FileWatcher() { stop(); }

std::string FileWatcher::start() { return impl_->start(); }
void FileWatcher::stop() { impl_->stop(); }

}  // namespace gslb::app
