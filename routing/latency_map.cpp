#include "routing/latency_map.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace gslb::routing {

void LatencyMapBuilder::add(const base::AddressPrefix& network,
                            std::span<const LatencySample> samples) {
  assert(!samples.empty());
  ranges_.add(network, static_cast<std::uint32_t>(samples_.size()));
  const auto first = static_cast<std::ptrdiff_t>(samples_.size());
  samples_.insert(samples_.end(), samples.begin(), samples.end());
  const auto row = std::span(samples_).subspan(static_cast<std::size_t>(first));
  std::sort(row.begin(), row.end(), [](const LatencySample& a, const LatencySample& b) {
    return std::tie(a.rtt_us, a.column) < std::tie(b.rtt_us, b.column);
  });
  auto followers = static_cast<std::uint16_t>(row.size());
  for (LatencySample& sample : row) sample.followers = --followers;
}

LatencyMap LatencyMapBuilder::build() && {
  LatencyMap map;
  map.ranges_ = std::move(ranges_).build();
  map.samples_ = std::move(samples_);
  return map;
}

}  // namespace gslb::routing
