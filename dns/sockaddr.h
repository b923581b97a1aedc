#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/ip_address.h"

namespace gslb::dns {

inline base::IpAddress ip_of(const sockaddr_storage& from) noexcept {
  if (from.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &from, sizeof v6);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return base::IpAddress::v6(bytes);
  }
  sockaddr_in v4;
  std::memcpy(&v4, &from, sizeof v4);
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
  return base::IpAddress::v4(bytes);
}

/// The port stands at the same place in both families.
inline std::uint16_t port_of(const sockaddr_storage& from) noexcept {
  sockaddr_in v4;
  std::memcpy(&v4, &from, sizeof v4);
  return ntohs(v4.sin_port);
}

/// Returns the size of the address that was filled in.
inline socklen_t fill_sockaddr(const base::SocketAddress& address, sockaddr_storage& to) noexcept {
  to = {};
  if (address.ip.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.ip.bytes().data(), 16);
    std::memcpy(&to, &v6, sizeof v6);
    return sizeof v6;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(address.port);
  std::memcpy(&v4.sin_addr, address.ip.bytes().data(), 4);
  std::memcpy(&to, &v4, sizeof v4);
  return sizeof v4;
}

}  // namespace gslb::dns
