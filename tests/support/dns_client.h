#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip_address.h"
#include "base/unique_fd.h"

namespace gslb::support {

using Bytes = std::vector<std::uint8_t>;

/// How long tests wait for what must come. Long enough for a sanitizer on a busy machine.
inline constexpr std::chrono::milliseconds kPatience{10'000};

/// A connected UDP socket: responses from any other address than the queried one do not arrive.
class UdpClient {
 public:
  explicit UdpClient(const base::SocketAddress& server);

  void send(std::span<const std::uint8_t> query);
  std::optional<Bytes> receive(std::chrono::milliseconds timeout = kPatience);
  std::optional<Bytes> ask(std::span<const std::uint8_t> query,
                           std::chrono::milliseconds timeout = kPatience);

 private:
  base::UniqueFd fd_;
};

/// One TCP connection that speaks length-prefixed messages.
class TcpClient {
 public:
  explicit TcpClient(const base::SocketAddress& server);

  bool connected() const { return connected_; }
  /// Without a length prefix. False where the peer has closed.
  bool send_raw(std::span<const std::uint8_t> bytes);
  bool send(std::span<const std::uint8_t> query);
  /// No further sending: the peer sees the end of the stream.
  void shut_down_sending();
  std::optional<Bytes> receive(std::chrono::milliseconds timeout = kPatience);
  /// True once the peer has closed, false after the timeout. Discards what still comes.
  bool is_closed_within(std::chrono::milliseconds timeout = kPatience);

 private:
  bool receive_exactly(std::span<std::uint8_t> into, std::chrono::steady_clock::time_point until);

  base::UniqueFd fd_;
  bool connected_ = false;
};

/// A port of 127.0.0.1 that was free for UDP and TCP a moment ago. Another program may take it
/// meanwhile, so a server that ends at once is to be started again.
std::uint16_t free_port();

/// A query with its two-octet length in front.
Bytes with_length(std::span<const std::uint8_t> query);

}  // namespace gslb::support
