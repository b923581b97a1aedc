#pragma once

#include <functional>
#include <memory>
#include <string>

#include <filesystem>

namespace boost::asio {
class io_context;
}

namespace gslb::app {

/// Tells when a file has new content: written in place, replaced by rename as editors do, or
/// reached through a symbolic link that was moved to another file as Kubernetes does. Events close
/// together are reported once. Based on inotify(7), so changes made by other hosts on a network
/// file system are not seen.
///
/// Of a folder, tells when a file in it is new, gone, changed, or got another owner or mode. It
/// follows neither folders in it nor what its symbolic links lead to.
///
/// One thread, that of `io`, which must outlive it.
class FileWatcher {
 public:
  using Callback = std::function<void()>;

  /// The file or folder as it is at this moment counts as known. Which of the two it is stays so.
  FileWatcher(boost::asio::io_context& io, std::filesystem::path file, Callback on_change);
  ~FileWatcher();

  /// Begins to watch. The error says why that is not possible; empty where it is.
  std::string start();
  void stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace gslb::app
