#include "dns/listen.h"

#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "dns/sockaddr.h"

namespace gslb::dns {
namespace {

using base::SocketAddress;
using base::UniqueFd;

constexpr int kTcpBacklog = 1024;
constexpr int kFastOpenQueue = 256;
/// Room for the bursts of a worker that is busy with a batch. The kernel takes less where
/// net.core.rmem_max is smaller.
constexpr int kUdpReceiveBuffer = 4 << 20;
/// How often a port that was free for TCP may turn out to be taken for UDP.
constexpr int kPortAttempts = 20;

tl::unexpected<ListenError> fail(const std::string& action, const SocketAddress& address) {
  const int number = errno;
  std::string text = action + " " + base::to_string(address) + ": " + std::strerror(number);
  if (number == EACCES) text += "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  if (number == EADDRINUSE)
    text += "; another server listens there, stop it or change server.listen";
  if (number == EADDRNOTAVAIL) text += "; no interface of this host has that address";
  return tl::make_unexpected(ListenError{std::move(text), number});
}

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool is_wildcard(const base::IpAddress& ip) {
  for (const std::uint8_t byte : ip.bytes()) {
    if (byte != 0) return false;
  }
  return true;
}

tl::expected<UniqueFd, ListenError> open_socket(const SocketAddress& address, int type) {
  const int family = address.ip.is_v6() ? AF_INET6 : AF_INET;
  UniqueFd fd(::socket(family, type | SOCK_CLOEXEC, 0));
  if (!fd) return fail("cannot open a socket for", address);
  // Otherwise [::]:53 takes IPv4 as well and 0.0.0.0:53 beside it fails.
  if (address.ip.is_v6() && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
    return fail("cannot set IPV6_V6ONLY on", address);
  }
  return fd;
}

tl::expected<void, ListenError> bind_socket(const UniqueFd& fd, const SocketAddress& address,
                                            const char* protocol) {
  sockaddr_storage storage;
  const socklen_t size = fill_sockaddr(address, storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return fail(std::string("cannot listen on ") + protocol, address);
  }
  return {};
}

tl::expected<UniqueFd, ListenError> open_tcp(const SocketAddress& address) {
  auto fd = open_socket(address, SOCK_STREAM | SOCK_NONBLOCK);
  if (!fd) return fd;
  // Past connections in TIME_WAIT must not stop a restart.
  set_option(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (auto bound = bind_socket(*fd, address, "TCP"); !bound) {
    return tl::make_unexpected(bound.error());
  }
  if (::listen(fd->get(), kTcpBacklog) != 0) return fail("cannot listen on TCP", address);
  // RFC 7413, RFC 7766 §5: only where net.ipv4.tcp_fastopen allows servers, hence no error.
  set_option(fd->get(), IPPROTO_TCP, TCP_FASTOPEN, kFastOpenQueue);
  return fd;
}

tl::expected<UniqueFd, ListenError> open_udp(const SocketAddress& address) {
  auto fd = open_socket(address, SOCK_DGRAM);
  if (!fd) return fd;
  if (!set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1)) {
    return fail("cannot set SO_REUSEPORT on", address);
  }
  if (!set_option(fd->get(), SOL_SOCKET, SO_RCVBUFFORCE, kUdpReceiveBuffer)) {
    set_option(fd->get(), SOL_SOCKET, SO_RCVBUF, kUdpReceiveBuffer);
  }
  // Never trust a path MTU that anybody can forge (RFC 9715 §3.1): responses fit in any path.
  if (address.ip.is_v6()) {
    set_option(fd->get(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  } else {
    set_option(fd->get(), IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  }
  // A wildcard socket must be told which of the host's addresses to answer from.
  if (is_wildcard(address.ip)) {
    const bool enabled = address.ip.is_v6()
                             ? set_option(fd->get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                             : set_option(fd->get(), IPPROTO_IP, IP_PKTINFO, 1);
    if (!enabled) return fail("cannot learn the queried addresses on", address);
  }
  if (auto bound = bind_socket(*fd, address, "UDP"); !bound) {
    return tl::make_unexpected(bound.error());
  }
  return fd;
}

tl::expected<std::uint16_t, ListenError> bound_port(const UniqueFd& fd,
                                                    const SocketAddress& address) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return fail("cannot learn the port of", address);
  }
  return port_of(storage);
}

tl::expected<ListenSockets, ListenError> open_all(const SocketAddress& wanted, unsigned workers) {
  ListenSockets sockets{wanted, {}, {}};
  auto tcp = open_tcp(wanted);
  if (!tcp) return tl::make_unexpected(tcp.error());
  sockets.tcp = std::move(*tcp);
  const auto port = bound_port(sockets.tcp, wanted);
  if (!port) return tl::make_unexpected(port.error());
  sockets.address.port = *port;
  for (unsigned i = 0; i < workers; ++i) {
    auto udp = open_udp(sockets.address);
    if (!udp) return tl::make_unexpected(udp.error());
    sockets.udp.push_back(std::move(*udp));
  }
  return sockets;
}

}  // namespace

bool ListenError::is_missing_family(const base::SocketAddress& address) const noexcept {
  // The second is what a wildcard gets where net.ipv6.conf.all.disable_ipv6 is set.
  return number == EAFNOSUPPORT || (number == EADDRNOTAVAIL && is_wildcard(address.ip));
}

tl::expected<ListenSockets, ListenError> open_listen_sockets(const SocketAddress& address,
                                                             unsigned workers) {
  auto sockets = open_all(address, workers);
  for (int attempt = 1; attempt < kPortAttempts && !sockets && address.port == 0 &&
                        sockets.error().number == EADDRINUSE;
       ++attempt) {
    sockets = open_all(address, workers);
  }
  return sockets;
}

}  // namespace gslb::dns
