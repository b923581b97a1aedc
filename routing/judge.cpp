#include "routing/judge.h"

#include <algorithm>

namespace gslb::routing {

bool has_family(std::span<const ProfileSpec> profiles, std::span<const EndpointSpec> endpoints,
                ProfileId id, Family family) {
  const auto has = [&](const ProfileEndpointSpec& entry) {
    if (entry.nested) return has_family(profiles, endpoints, *entry.nested, family);
    const EndpointSpec& endpoint = endpoints[entry.endpoint];
    return family == Family::kIpv4 ? endpoint.has_ipv4() : endpoint.has_ipv6();
  };
  const std::vector<ProfileEndpointSpec>& entries = profiles[id].endpoints;
  return std::any_of(entries.begin(), entries.end(), has);
}

double kept_weight(const EndpointSpec& endpoint, const EndpointState& state) noexcept {
  if (!state.load || *state.load <= endpoint.shed_from) return state.ramp;
  return std::max(0.0, (1 - *state.load) / (1 - endpoint.shed_from)) * state.ramp;
}

const std::vector<Verdict>& Judge::verdicts(ProfileId id, Family family) {
  const auto known = verdicts_.find({id, family});
  if (known != verdicts_.end()) return known->second;
  std::vector<Verdict> verdicts;
  for (const ProfileEndpointSpec& entry : state_.profiles[id].endpoints) {
    verdicts.push_back(judge(entry, family));
  }
  return verdicts_.emplace(std::pair(id, family), std::move(verdicts)).first->second;
}

std::size_t Judge::count_in(ProfileId id, Family family) {
  const std::vector<Verdict>& all = verdicts(id, family);
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_in));
}

std::size_t Judge::count_in(ProfileId id) {
  const std::vector<Verdict>& v4 = verdicts(id, Family::kIpv4);
  const std::vector<Verdict>& v6 = verdicts(id, Family::kIpv6);
  std::size_t count = 0;
  for (std::size_t i = 0; i < v4.size(); ++i) count += is_in(v4[i]) || is_in(v6[i]) ? 1 : 0;
  return count;
}

Verdict Judge::judge(const ProfileEndpointSpec& entry, Family family) {
  return entry.nested ? judge_nested(entry, family) : judge_endpoint(entry, family);
}

Verdict Judge::judge_endpoint(const ProfileEndpointSpec& entry, Family family) const {
  const EndpointSpec& endpoint = state_.endpoints[entry.endpoint];
  const EndpointState& state = state_.states[entry.endpoint];
  const bool v4 = family == Family::kIpv4;
  // First of all, so that an AAAA query to a profile with IPv4 sites only is plain NODATA, whatever
  // else is the matter with them.
  if (!(v4 ? endpoint.has_ipv4() : endpoint.has_ipv6())) return Verdict::kNoAddress;
  if (!entry.enabled) return Verdict::kEntryDisabled;
  if (!endpoint.enabled) return Verdict::kEndpointDisabled;
  if (entry.weight == 0) return Verdict::kNoWeight;
  if (!entry.always_serve && !base::is_available(v4 ? state.ipv4 : state.ipv6)) {
    return Verdict::kUnhealthy;
  }
  if (state.is_drained) return Verdict::kDrained;
  if (kept_weight(endpoint, state) == 0) return Verdict::kFull;
  return entry.always_serve ? Verdict::kAlwaysServed : Verdict::kAvailable;
}

Verdict Judge::judge_nested(const ProfileEndpointSpec& entry, Family family) {
  const ProfileId child = *entry.nested;
  if (!has_family(state_.profiles, state_.endpoints, child, family)) return Verdict::kNoAddress;
  if (!entry.enabled) return Verdict::kEntryDisabled;
  if (!state_.profiles[child].enabled) return Verdict::kEndpointDisabled;
  if (entry.weight == 0) return Verdict::kNoWeight;
  if (entry.always_serve) return Verdict::kAlwaysServed;

  const bool v4 = family == Family::kIpv4;
  const std::size_t wanted = std::max(1U, v4 ? entry.min_children_ipv4 : entry.min_children_ipv6);
  if (count_in(child, family) < wanted || count_in(child) < entry.min_children) {
    return Verdict::kTooFewChildren;
  }
  const std::vector<Verdict>& children = verdicts(child, family);
  const bool has_room = std::any_of(children.begin(), children.end(), [](Verdict verdict) {
    return is_in(verdict) && verdict != Verdict::kFull && verdict != Verdict::kDrained;
  });
  return has_room ? Verdict::kAvailable : Verdict::kFull;
}

}  // namespace gslb::routing
