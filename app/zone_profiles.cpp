#include "app/zone_profiles.h"

#include <utility>

#include "routing/judge.h"

namespace gslb::app {

std::vector<std::size_t> zones_of_profiles(const Config& config) {
  std::vector<std::size_t> result;
  for (const routing::ProfileSpec& profile : config.profiles) {
    std::size_t best = config.zones.size();
    if (!profile.has_owner()) {
      result.push_back(best);
      continue;
    }
    for (std::size_t i = 0; i < config.zones.size(); ++i) {
      if (!profile.owner.is_at_or_below(config.zones[i].apex)) continue;
      if (best == config.zones.size() ||
          config.zones[i].apex.length() > config.zones[best].apex.length()) {
        best = i;
      }
    }
    result.push_back(best);
  }
  return result;
}

std::vector<std::vector<zones::ProfileName>> profiles_of_zones(const Config& config) {
  const std::vector<std::size_t> zone_of = zones_of_profiles(config);
  std::vector<routing::EndpointSpec> endpoints;
  for (const EndpointConfig& endpoint : config.endpoints) endpoints.push_back(endpoint.routing);
  std::vector<std::vector<zones::ProfileName>> result(config.zones.size());
  for (zones::ProfileId id = 0; id < config.profiles.size(); ++id) {
    if (zone_of[id] >= result.size()) continue;
    const auto has = [&](routing::Family family) {
      return routing::has_family(config.profiles, endpoints, id, family);
    };
    zones::ProfileName name{config.profiles[id].owner, id, has(routing::Family::kIpv4),
                            has(routing::Family::kIpv6)};
    result[zone_of[id]].push_back(std::move(name));
  }
  return result;
}

}  // namespace gslb::app
