#include "tests/support/dns_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "dns/sockaddr.h"
#include "dns/wire.h"

namespace gslb::support {
namespace {

using Clock = std::chrono::steady_clock;

base::UniqueFd connect_to(const base::SocketAddress& server, int type, bool& connected) {
  base::UniqueFd fd(::socket(server.ip.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  const socklen_t size = dns::fill_sockaddr(server, storage);
  connected = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0;
  return fd;
}

bool wait_readable(int fd, Clock::time_point until) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  pollfd poll_fd{fd, POLLIN, 0};
  return left >= 0 && ::poll(&poll_fd, 1, static_cast<int>(left)) > 0;
}

}  // namespace

UdpClient::UdpClient(const base::SocketAddress& server) {
  bool connected = false;
  fd_ = connect_to(server, SOCK_DGRAM, connected);
}

void UdpClient::send(std::span<const std::uint8_t> query) {
  ::send(fd_.get(), query.data(), query.size(), 0);
}

std::optional<Bytes> UdpClient::receive(std::chrono::milliseconds timeout) {
  if (!wait_readable(fd_.get(), Clock::now() + timeout)) return std::nullopt;
  Bytes bytes(65536);
  const ssize_t size = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
  if (size < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

std::optional<Bytes> UdpClient::ask(std::span<const std::uint8_t> query,
                                    std::chrono::milliseconds timeout) {
  send(query);
  return receive(timeout);
}

TcpClient::TcpClient(const base::SocketAddress& server) {
  fd_ = connect_to(server, SOCK_STREAM, connected_);
}

bool TcpClient::send_raw(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TcpClient::send(std::span<const std::uint8_t> query) { return send_raw(with_length(query)); }

void TcpClient::shut_down_sending() { ::shutdown(fd_.get(), SHUT_WR); }

bool TcpClient::receive_exactly(std::span<std::uint8_t> into, Clock::time_point until) {
  while (!into.empty()) {
    if (!wait_readable(fd_.get(), until)) return false;
    const ssize_t size = ::recv(fd_.get(), into.data(), into.size(), 0);
    if (size <= 0) return false;
    into = into.subspan(static_cast<std::size_t>(size));
  }
  return true;
}

std::optional<Bytes> TcpClient::receive(std::chrono::milliseconds timeout) {
  const Clock::time_point until = Clock::now() + timeout;
  std::array<std::uint8_t, 2> prefix;
  if (!receive_exactly(prefix, until)) return std::nullopt;
  Bytes bytes(std::size_t{prefix[0]} << 8 | prefix[1]);
  if (!receive_exactly(bytes, until)) return std::nullopt;
  return bytes;
}

bool TcpClient::is_closed_within(std::chrono::milliseconds timeout) {
  const Clock::time_point until = Clock::now() + timeout;
  std::array<std::uint8_t, 4096> discarded;
  while (wait_readable(fd_.get(), until)) {
    if (::recv(fd_.get(), discarded.data(), discarded.size(), 0) <= 0) return true;
  }
  return false;
}

Bytes with_length(std::span<const std::uint8_t> query) {
  Bytes bytes(2 + query.size());
  dns::store_u16(bytes.data(), static_cast<std::uint16_t>(query.size()));
  std::copy(query.begin(), query.end(), bytes.begin() + 2);
  return bytes;
}

std::uint16_t free_port() {
  while (true) {
    const base::UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const base::UniqueFd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(tcp.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) continue;
    ::getsockname(tcp.get(), reinterpret_cast<sockaddr*>(&address), &size);
    if (::bind(udp.get(), reinterpret_cast<sockaddr*>(&address), size) == 0) {
      return ntohs(address.sin_port);
    }
  }
}

}  // namespace gslb::support
