#include "app/control_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

namespace gslb::app {
namespace {

constexpr mode_t kMode = 0660;

sockaddr_un make_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  std::copy(text.begin(), text.end(), std::begin(address.sun_path));
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

base::UniqueFd make_socket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

std::optional<base::FileIdentity> identity_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return base::FileIdentity{status.st_dev, status.st_ino};
}

/// Removes what a process that was killed has left. The error tells why the path is not free.
tl::expected<void, std::string> make_room(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return tl::unexpected<std::string>("it is a file, not a socket; name another path");
  }
  const sockaddr_un address = make_address(path);
  const base::UniqueFd probe = make_socket();
  const bool is_refused =
      ::connect(probe.get(), as_sockaddr(address), sizeof address) != 0 && errno == ECONNREFUSED;
  if (!is_refused) {
    return tl::unexpected<std::string>(
        "the address is in use by another process; stop it, or name another path");
  }
  ::unlink(path.c_str());
  return {};
}

std::string bind_error(const std::filesystem::path& path) {
  if (errno == ENOENT) {
    return "there is no folder " + path.parent_path().string() + "; create it";
  }
  return base::errno_text() + "; name a path that gslbd may write to";
}

}  // namespace

tl::expected<ControlSocket, std::string> ControlSocket::open(const std::filesystem::path& path) {
  if (path.native().size() > kMaxSocketPath) {
    return tl::unexpected<std::string>("the path is too long; write at most " +
                                       std::to_string(kMaxSocketPath) + " octets");
  }
  if (auto room = make_room(path); !room) return tl::unexpected(room.error());
  base::UniqueFd fd = make_socket();
  if (!fd) return tl::unexpected(base::errno_text());
  // The mode of the socket limits that of its file, so it is never open to others, whatever the
  // umask is; chmod() gives to the group what the umask takes.
  ::fchmod(fd.get(), kMode);
  const sockaddr_un address = make_address(path);
  if (::bind(fd.get(), as_sockaddr(address), sizeof address) != 0) {
    return tl::unexpected(bind_error(path));
  }
  const auto identity = identity_of(path);
  if (!identity) return tl::unexpected(base::errno_text());
  ControlSocket socket(std::move(fd), path, *identity);
  if (::chmod(path.c_str(), kMode) != 0 || ::listen(socket.fd_.get(), SOMAXCONN) != 0) {
    return tl::unexpected(base::errno_text());
  }
  return socket;
}

ControlSocket& ControlSocket::operator=(ControlSocket&& other) noexcept {
  if (this == &other) return *this;
  remove_file();
  fd_ = std::move(other.fd_);
  path_ = std::exchange(other.path_, {});
  identity_ = other.identity_;
  return *this;
}

void ControlSocket::remove_file() noexcept {
  if (path_.empty()) return;
  if (identity_of(path_) == identity_) ::unlink(path_.c_str());
  path_.clear();
}

}  // namespace gslb::app
