#include "dns/client_subnet.h"

#include <algorithm>
#include <array>

#include "dns/wire.h"

namespace gslb::dns {
namespace {

constexpr std::size_t kFixedSize = 4;  // FAMILY, SOURCE PREFIX-LENGTH, SCOPE PREFIX-LENGTH

// IANA registry "Address Family Numbers".
constexpr std::uint16_t kFamilyIpv4 = 1;
constexpr std::uint16_t kFamilyIpv6 = 2;

/// RFC 7871 §6: as many octets as the prefix reaches into.
constexpr std::size_t octets_of(unsigned prefix) noexcept { return (prefix + 7) / 8; }

template <std::size_t kOctets>
std::optional<std::array<std::uint8_t, kOctets>> parse_prefix(std::span<const std::uint8_t> octets,
                                                              unsigned prefix) noexcept {
  if (prefix > 8 * kOctets || octets.size() != octets_of(prefix)) return std::nullopt;
  // RFC 7871 §6: the bits beyond the prefix are zero.
  if (prefix % 8 != 0 && (octets.back() & (0xFF >> prefix % 8)) != 0) return std::nullopt;
  std::array<std::uint8_t, kOctets> address{};
  std::copy(octets.begin(), octets.end(), address.begin());
  return address;
}

}  // namespace

std::optional<ClientSubnet> parse_client_subnet(std::span<const std::uint8_t> option) noexcept {
  if (option.size() < kFixedSize) return std::nullopt;
  const std::uint16_t family = load_u16(&option[0]);
  const std::uint8_t source_prefix = option[2];
  // RFC 7871 §6: SCOPE PREFIX-LENGTH is 0 in queries.
  if (option[3] != 0) return std::nullopt;

  const std::span<const std::uint8_t> octets = option.subspan(kFixedSize);
  if (family == kFamilyIpv4) {
    if (const auto bytes = parse_prefix<4>(octets, source_prefix)) {
      return ClientSubnet{base::IpAddress::v4(*bytes), source_prefix};
    }
  } else if (family == kFamilyIpv6) {
    if (const auto bytes = parse_prefix<16>(octets, source_prefix)) {
      return ClientSubnet{base::IpAddress::v6(*bytes), source_prefix};
    }
  }
  // RFC 7871 §7.2.1: an unknown FAMILY too is malformed, even one without an address: §7.1.2 has
  // clients give the family of their transport when they withhold the network.
  return std::nullopt;
}

std::size_t write_client_subnet(const ClientSubnet& subnet, std::uint8_t scope_prefix,
                                std::span<std::uint8_t, kMaxClientSubnetSize> out) noexcept {
  const std::span<const std::uint8_t> address = subnet.address.bytes();
  const auto width = static_cast<std::uint8_t>(8 * address.size());
  const std::uint8_t source_prefix = std::min(subnet.source_prefix, width);
  const std::size_t octets = octets_of(source_prefix);
  store_u16(&out[0], subnet.address.is_v6() ? kFamilyIpv6 : kFamilyIpv4);
  out[2] = source_prefix;
  out[3] = subnet.is_withheld() ? std::uint8_t{0} : std::min(scope_prefix, width);
  std::copy_n(address.begin(), octets, out.begin() + kFixedSize);
  return kFixedSize + octets;
}

}  // namespace gslb::dns
