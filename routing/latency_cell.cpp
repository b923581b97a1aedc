#include "routing/latency_cell.h"

#include <array>

#include "routing/latency_columns.h"

namespace gslb::routing {
namespace {

// Bit 63 is set for IPv6; the network stands above the 15 bits of the column.
constexpr unsigned kColumnBits = 15;
constexpr LatencyKey kColumnMask = (LatencyKey{1} << kColumnBits) - 1;
constexpr LatencyKey kIpv6 = LatencyKey{1} << 63U;
static_assert(kMaxLatencyColumns == kColumnMask + 1);

}  // namespace

LatencyKey latency_key(const base::IpAddress& client, LatencyColumn column) noexcept {
  const std::size_t octets = (client.is_v4() ? kMeasuredIpv4Prefix : kMeasuredIpv6Prefix) / 8U;
  LatencyKey network = 0;
  for (const std::uint8_t octet : client.bytes().first(octets)) network = network << 8U | octet;
  return (client.is_v4() ? 0 : kIpv6) | network << kColumnBits | column;
}

LatencyColumn column_of(LatencyKey key) noexcept {
  return static_cast<LatencyColumn>(key & kColumnMask);
}

base::AddressPrefix network_of(LatencyKey key) noexcept {
  const LatencyKey network = (key & ~kIpv6) >> kColumnBits;
  const auto octet = [network](unsigned shift) {
    return static_cast<std::uint8_t>(network >> shift);
  };
  if ((key & kIpv6) == 0) {
    return {base::IpAddress::v4({octet(16), octet(8), octet(0), 0}), kMeasuredIpv4Prefix};
  }
  return {base::IpAddress::v6({octet(40), octet(32), octet(24), octet(16), octet(8), octet(0)}),
          kMeasuredIpv6Prefix};
}

LatencyKey with_column(LatencyKey key, LatencyColumn column) noexcept {
  return (key & ~kColumnMask) | column;
}

bool is_valid(LatencyKey key) noexcept {
  return (key & kIpv6) != 0 || key >> (kMeasuredIpv4Prefix + kColumnBits) == 0;
}

bool is_same_network(LatencyKey a, LatencyKey b) noexcept {
  return (a | kColumnMask) == (b | kColumnMask);
}

}  // namespace gslb::routing
