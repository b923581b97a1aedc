#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "base/file.h"
#include "base/unique_fd.h"

namespace gslb::app {

/// The longest path that a Unix socket can have.
inline constexpr std::size_t kMaxSocketPath = 107;

/// A listening Unix socket in the file system, for its owner and group alone (mode 0660). Its file
/// goes with it, unless another process has put one in its place. Not thread-safe.
class ControlSocket {
 public:
  /// Takes the place of a socket that a process has left behind, never of one that is in use. The
  /// error is "what is wrong; what to do".
  static tl::expected<ControlSocket, std::string> open(const std::filesystem::path& path);

  ControlSocket(ControlSocket&& other) noexcept { *this = std::move(other); }
  ControlSocket& operator=(ControlSocket&& other) noexcept;
  ~ControlSocket() { remove_file(); }

  /// Hands over the descriptor; the file stays in the care of this object.
  int release() noexcept { return fd_.release(); }

 private:
  ControlSocket() = default;
  ControlSocket(base::UniqueFd fd, std::filesystem::path path, const base::FileIdentity& identity)
      : fd_(std::move(fd)), path_(std::move(path)), identity_(identity) {}
  void remove_file() noexcept;

  base::UniqueFd fd_;
  std::filesystem::path path_;
  base::FileIdentity identity_;
};

}  // namespace gslb::app
