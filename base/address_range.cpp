#include "base/address_range.h"

#include <algorithm>
#include <array>
#include <bit>

namespace gslb::base {
namespace {

/// The address with the octets of `bytes`, of which an IPv4 address takes the first four.
IpAddress make_like(const IpAddress& family, const std::array<std::uint8_t, 16>& bytes) noexcept {
  if (family.is_v6()) return IpAddress::v6(bytes);
  return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
}

/// Sets or clears all bits from `length` on.
IpAddress with_host_bits(const IpAddress& address, unsigned length, bool set) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  const auto from = address.bytes();
  for (unsigned i = 0; i < from.size(); ++i) {
    const unsigned kept = length <= 8 * i ? 0 : std::min(8U, length - 8 * i);
    const auto mask = static_cast<std::uint8_t>(0xff >> kept);
    bytes[i] = static_cast<std::uint8_t>(set ? from[i] | mask : from[i] & ~mask);
  }
  return make_like(address, bytes);
}

/// Adds one, or takes one away, from the last octet on; nothing where that leaves the family.
std::optional<IpAddress> step(const IpAddress& address, std::uint8_t edge, int direction) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  const auto from = address.bytes();
  std::copy(from.begin(), from.end(), bytes.begin());
  for (std::size_t i = from.size(); i-- > 0;) {
    const bool carries = bytes[i] == edge;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] + direction);
    if (!carries) return make_like(address, bytes);
  }
  return std::nullopt;
}

unsigned width(const IpAddress& address) noexcept { return address.is_v4() ? 32 : 128; }

}  // namespace

AddressRange to_range(const AddressPrefix& prefix) noexcept {
  return {with_host_bits(prefix.address, prefix.length, false),
          with_host_bits(prefix.address, prefix.length, true)};
}

std::optional<AddressPrefix> to_prefix(const AddressRange& range) noexcept {
  const AddressPrefix prefix{
      range.first, static_cast<std::uint8_t>(common_prefix_length(range.first, range.last))};
  if (to_range(prefix) != range) return std::nullopt;
  return prefix;
}

IpAddress masked(const IpAddress& address, unsigned length) noexcept {
  return with_host_bits(address, std::min(length, width(address)), false);
}

unsigned common_prefix_length(const IpAddress& a, const IpAddress& b) noexcept {
  const auto left = a.bytes();
  const auto right = b.bytes();
  for (unsigned i = 0; i < left.size(); ++i) {
    const auto differing = static_cast<std::uint8_t>(left[i] ^ right[i]);
    if (differing != 0) return 8 * i + static_cast<unsigned>(std::countl_zero(differing));
  }
  return width(a);
}

std::optional<IpAddress> next(const IpAddress& address) noexcept { return step(address, 0xff, 1); }

std::optional<IpAddress> previous(const IpAddress& address) noexcept {
  return step(address, 0x00, -1);
}

std::string to_string(const AddressPrefix& prefix) {
  return to_string(prefix.address) + "/" + std::to_string(prefix.length);
}

std::string to_string(const AddressRange& range) {
  if (const auto prefix = to_prefix(range)) return to_string(*prefix);
  return to_string(range.first) + "-" + to_string(range.last);
}

}  // namespace gslb::base
