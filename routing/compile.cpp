#include "routing/compile.h"

#include <algorithm>

namespace gslb::routing {
namespace {

Verdict judge_entry(const ProfileEndpointSpec& entry, const EndpointSpec& endpoint,
                    const EndpointState& state, Family family) {
  const bool v4 = family == Family::kIpv4;
  // First of all, so that an AAAA query to a profile with IPv4 sites only is plain NODATA, whatever
  // else is the matter with them.
  if ((v4 ? endpoint.ipv4 : endpoint.ipv6).empty()) return Verdict::kNoAddress;
  if (!entry.enabled) return Verdict::kEntryDisabled;
  if (!endpoint.enabled) return Verdict::kEndpointDisabled;
  if (entry.weight == 0) return Verdict::kNoWeight;
  if (entry.always_serve) return Verdict::kAlwaysServed;
  return base::is_available(v4 ? state.ipv4 : state.ipv6) ? Verdict::kAvailable
                                                          : Verdict::kUnhealthy;
}

/// A cached answer should not outlive the verdict on its endpoint.
std::chrono::seconds answer_ttl(const ProfileSpec& profile, const EndpointState& state) {
  if (!state.degraded_in) return profile.ttl;
  const auto until = std::chrono::floor<std::chrono::seconds>(*state.degraded_in);
  return std::min(profile.ttl, std::max(until, std::chrono::seconds{1}));
}

/// The candidates that the profile's method chooses from with chances by weight.
std::vector<const ProfileEndpointSpec*> contenders(
    const ProfileSpec& profile, const std::vector<const ProfileEndpointSpec*>& candidates) {
  if (profile.method != Method::kPriority) return candidates;
  const unsigned best =
      (*std::min_element(candidates.begin(), candidates.end(), [](const auto* a, const auto* b) {
        return a->priority < b->priority;
      }))->priority;
  std::vector<const ProfileEndpointSpec*> tier;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(tier),
               [best](const auto* entry) { return entry->priority == best; });
  return tier;
}

DecisionTree single(Outcome::Kind kind) {
  DecisionTree tree;
  tree.add_leaf({kind, 0, std::chrono::seconds{0}});
  return tree;
}

/// What stands in for an answer when nothing may be answered.
DecisionTree nothing_available(const ProfileSpec& profile) {
  return single(profile.when_all_down == AllDown::kServFail ? Outcome::Kind::kServFail
                                                            : Outcome::Kind::kUnavailable);
}

}  // namespace

std::vector<Verdict> judge(const ProfileSpec& profile, std::span<const EndpointSpec> endpoints,
                           std::span<const EndpointState> states, Family family) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(profile.endpoints.size());
  for (const ProfileEndpointSpec& entry : profile.endpoints) {
    verdicts.push_back(
        judge_entry(entry, endpoints[entry.endpoint], states[entry.endpoint], family));
  }
  return verdicts;
}

DecisionTree compile(const ProfileSpec& profile, std::span<const EndpointSpec> endpoints,
                     std::span<const EndpointState> states, Family family) {
  if (!profile.enabled) return single(Outcome::Kind::kDisabled);

  const std::vector<Verdict> verdicts = judge(profile, endpoints, states, family);
  const auto entries_with = [&](auto accepts) {
    std::vector<const ProfileEndpointSpec*> entries;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (accepts(verdicts[i])) entries.push_back(&profile.endpoints[i]);
    }
    return entries;
  };

  std::vector<const ProfileEndpointSpec*> candidates = entries_with(is_in);
  if (candidates.empty()) {
    const auto without_address = std::count(verdicts.begin(), verdicts.end(), Verdict::kNoAddress);
    if (static_cast<std::size_t>(without_address) == verdicts.size()) {
      return single(Outcome::Kind::kNoData);
    }
    if (profile.when_all_down == AllDown::kServeAll) {
      candidates = entries_with([](Verdict verdict) { return verdict == Verdict::kUnhealthy; });
    }
    if (candidates.empty()) return nothing_available(profile);
  }

  DecisionTree tree;
  std::vector<DecisionTree::NodeIndex> leaves;
  std::vector<std::uint32_t> weights;
  for (const ProfileEndpointSpec* entry : contenders(profile, candidates)) {
    leaves.push_back(tree.add_leaf(
        {Outcome::Kind::kAnswer, entry->endpoint, answer_ttl(profile, states[entry->endpoint])}));
    weights.push_back(entry->weight);
  }
  if (leaves.size() > 1) tree.add_weighted(leaves, weights);
  return tree;
}

}  // namespace gslb::routing
