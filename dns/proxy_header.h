#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ip_address.h"

namespace gslb::dns {

/// The part of a header that is always there; its last two octets tell how much follows.
inline constexpr std::size_t kProxyHeaderFixed = 16;

/// The longest header that is taken; with its addresses it needs 52 octets, the rest are extensions
/// that are passed over.
inline constexpr std::size_t kMaxProxyHeader = 536;

/// What a load balancer says of a connection that it passes on, in version 2 of the PROXY protocol
/// (https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt §2.2).
struct ProxyHeader {
  enum class State : std::uint8_t { kIncomplete, kMalformed, kComplete };

  State state = State::kIncomplete;
  std::size_t size = 0;  ///< With kComplete: the octets of the header.
  /// With kComplete: who connected to the load balancer; nothing where it speaks for itself (LOCAL,
  /// as health checks do) or for an address of another kind.
  std::optional<base::IpAddress> client;
};

/// Reads the header at the front of a stream of which `bytes` have come so far.
ProxyHeader parse_proxy_header(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace gslb::dns
