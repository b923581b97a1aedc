#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>

#include "base/unique_fd.h"

namespace gslb::support {

/// A socket that is bound to a port of 127.0.0.1 that the kernel picks. Throws std::runtime_error.
class LoopbackSocket {
 public:
  /// SOCK_STREAM or SOCK_DGRAM.
  explicit LoopbackSocket(int type) : fd_(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot bind a socket");
    }
    port_ = ntohs(address.sin_port);
  }

  int fd() const { return fd_.get(); }
  std::uint16_t port() const { return port_; }

  /// As connect(2); what becomes of it is left to the caller.
  int connect(std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  base::UniqueFd fd_;
  std::uint16_t port_ = 0;
};

}  // namespace gslb::support
