#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/ip_address.h"

namespace gslb::dns {

/// The data of the longest EDNS Client Subnet option.
inline constexpr std::size_t kMaxClientSubnetSize = 4 + 16;

/// The network that a resolver asks for (EDNS Client Subnet, RFC 7871 §6). A plain value.
struct ClientSubnet {
  base::IpAddress address;  ///< Of the FAMILY; its bits beyond the source prefix are zero.
  std::uint8_t source_prefix = 0;

  /// RFC 7871 §7.1.2: the client wants its network left out. The address says nothing, so the
  /// answer is for the address that the query came from, and its scope is 0.
  bool is_withheld() const noexcept { return source_prefix == 0; }

  friend bool operator==(const ClientSubnet&, const ClientSubnet&) = default;
};

/// Reads the data of the option in a query. Empty where it is malformed, which calls for FORMERR
/// (RFC 7871 §6, §7.2.1).
std::optional<ClientSubnet> parse_client_subnet(std::span<const std::uint8_t> option) noexcept;

/// Writes the data of the option for the response: what the query had (RFC 7871 §7.2.1, §11.2), and
/// for which prefix the answer holds. The scope may be longer than the source prefix, which asks
/// for more bits; it is limited to the bits of an address, and to 0 where the network was withheld.
/// Returns the size in octets.
std::size_t write_client_subnet(const ClientSubnet& subnet, std::uint8_t scope_prefix,
                                std::span<std::uint8_t, kMaxClientSubnetSize> out) noexcept;

}  // namespace gslb::dns
