#pragma once

#include <cstdint>
#include <vector>

#include "base/address_prefix.h"
#include "routing/latency_map.h"

namespace gslb::routing {

/// The length of the networks that measurements are put together in: the smallest that are routed
/// on their own in the Internet.
inline constexpr std::uint8_t kMeasuredIpv4Prefix = 24;
inline constexpr std::uint8_t kMeasuredIpv6Prefix = 48;

/// A network of clients and an endpoint in one number, which sorts by family, network and column.
using LatencyKey = std::uint64_t;

/// What was measured between a network and an endpoint. A plain value.
struct LatencyCell {
  LatencyKey key = 0;
  std::uint32_t rtt_us = 0;
  std::uint32_t measured = 0;  ///< When last, in seconds since 1970.

  bool operator==(const LatencyCell&) const = default;
};

/// Sorted by key, each key once.
using LatencyCells = std::vector<LatencyCell>;

/// `column` is below kMaxLatencyColumns.
LatencyKey latency_key(const base::IpAddress& client, LatencyColumn column) noexcept;

LatencyColumn column_of(LatencyKey key) noexcept;
base::AddressPrefix network_of(LatencyKey key) noexcept;
LatencyKey with_column(LatencyKey key, LatencyColumn column) noexcept;
/// True where a key can have come from latency_key().
bool is_valid(LatencyKey key) noexcept;
bool is_same_network(LatencyKey a, LatencyKey b) noexcept;

}  // namespace gslb::routing
