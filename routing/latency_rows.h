#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address_prefix.h"
#include "routing/latency_cell.h"
#include "routing/latency_map.h"

namespace gslb::routing {

/// A line of a latency file: how far the endpoint is from a network of any size. A plain value.
struct FiledLatency {
  base::AddressPrefix network;  ///< Without bits beyond its length.
  std::uint16_t endpoint = 0;   ///< The position in the configuration.
  std::uint32_t rtt_us = 0;

  bool operator==(const FiledLatency&) const = default;
};

/// Widest first among networks that begin at one address, so that each stands after those around
/// it.
bool is_before(const base::AddressPrefix& a, const base::AddressPrefix& b) noexcept;

/// All that is known about latencies. Borrows it.
struct LatencySources {
  std::span<const LatencyCell> measured;   ///< Sorted by key.
  std::span<const FiledLatency> filed;     ///< Sorted by is_before, each network and endpoint once.
  std::span<const LatencyColumn> columns;  ///< Those of the endpoints of `filed`.
};

/// Every network gets a row. For each endpoint a row has the value of the smallest network around
/// it that has one, and of two of one size the measured value.
LatencyMap make_latency_map(const LatencySources& sources);

/// What the sources and their map take together, in octets: an estimate that is rather too high.
std::size_t estimate_memory(const LatencySources& sources);

/// Leaves out the networks that were not measured for the longest time until the estimate is well
/// below `max_memory`, where it is above. Files are left as they are. Returns how many networks it
/// left out.
std::size_t evict_oldest(LatencyCells& measured, LatencySources sources, std::size_t max_memory);

}  // namespace gslb::routing
