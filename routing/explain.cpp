#include "routing/explain.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <utility>

namespace gslb::routing {
namespace {

std::string number(const char* format, double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

class Explainer {
 public:
  Explainer(ProfileId id, const RoutingState& state, const DecisionTree& tree, Family family,
            const base::IpAddress& client, const LatencyMap& latency)
      : id_(id),
        state_(state),
        tree_(tree),
        family_(family),
        locations_(state.locations == nullptr ? no_places_ : *state.locations),
        judge_(state),
        rng_(0),
        asker_(client, locations_, latency, rng_) {
    result_.family = family;
    result_.client.address = client;
  }

  Explanation run() {
    describe_client();
    asker_.want_scope();
    branches_ = tree_.branches(asker_);
    result_.scope = asker_.scope();
    for (const DecisionTree::Branch& branch : branches_) add_chances(branch);
    add_level(Step::kNone, id_, 0, 1);
    for (const DecisionTree::Branch& branch : branches_) add_result(branch);
    std::stable_sort(result_.results.begin(), result_.results.end(),
                     [](const auto& a, const auto& b) { return a.probability > b.probability; });
    return std::move(result_);
  }

 private:
  const ProfileSpec& profile(ProfileId id) const { return state_.profiles[id]; }
  const EndpointSpec& endpoint(EndpointId id) const { return state_.endpoints[id]; }

  void describe_client() {
    const Location& location = asker_.location();
    Explanation::Client& client = result_.client;
    client.source = location.source;
    client.point = location.point;
    if (location.source == Location::Source::kNone) return;
    RegionId region = location.region;
    client.regions.push_back(locations_.regions()[region].name);
    while (region != kWorld) {
      region = locations_.parent(region);
      client.regions.push_back(locations_.regions()[region].name);
    }
  }

  /// Sums up, for each step of the tree, the chances of what lies behind it.
  void add_chances(const DecisionTree::Branch& branch) {
    const Outcome& outcome = tree_.outcomes()[branch.outcome];
    std::uint32_t at = outcome.step;
    while (at != Step::kNone) {
      const Step& step = tree_.steps()[at];
      entry_chances_[{step.before, step.entry}] += branch.probability;
      step_of_[{step.before, step.entry}] = at;
      at = step.before;
    }
    if (outcome.kind == Outcome::Kind::kAddresses) add_shares(branch, outcome);
  }

  /// An answer with addresses of several endpoints counts for each of them.
  void add_shares(const DecisionTree::Branch& branch, const Outcome& outcome) {
    const std::uint32_t before = tree_.steps()[outcome.step].before;
    const std::vector<ProfileEndpointSpec>& entries = profile(outcome.profile).endpoints;
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
      const EndpointSpec& site = endpoint(entries[i].endpoint);
      const auto& own = family_ == Family::kIpv4 ? site.ipv4 : site.ipv6;
      const bool is_in =
          std::any_of(outcome.addresses.begin(), outcome.addresses.end(), [&](const auto& address) {
            return std::find(own.begin(), own.end(), address) != own.end();
          });
      if (is_in) entry_chances_[{before, i}] += branch.probability;
    }
  }

  double chance(std::uint32_t before, std::uint32_t entry) const {
    const auto found = entry_chances_.find({before, entry});
    return found == entry_chances_.end() ? 0 : found->second;
  }

  void add_level(std::uint32_t before, ProfileId id, unsigned depth, double probability) {
    const ProfileSpec& spec = profile(id);
    Explanation::Level level;
    level.profile = spec.name;
    level.method = spec.method;
    level.depth = depth;
    level.probability = probability;
    const std::vector<Verdict> verdicts = judge_.verdicts(id, family_);
    for (std::uint32_t i = 0; i < spec.endpoints.size(); ++i) {
      level.candidates.push_back(candidate(spec, i, verdicts[i], chance(before, i)));
    }
    if (chance(before, Step::kNone) > 0) level.note = note_of(before);
    result_.levels.push_back(std::move(level));
    for (std::uint32_t i = 0; i < spec.endpoints.size(); ++i) {
      const double here = chance(before, i);
      const auto& nested = spec.endpoints[i].nested;
      if (nested && here > 0) add_level(step_of_.at({before, i}), *nested, depth + 1, here);
    }
  }

  /// Which rule of the profile itself decided.
  std::string note_of(std::uint32_t before) const {
    for (const DecisionTree::Branch& branch : branches_) {
      const Outcome& outcome = tree_.outcomes()[branch.outcome];
      const Step& step = tree_.steps()[outcome.step];
      if (step.before != before || step.entry != Step::kNone) continue;
      switch (outcome.kind) {
        case Outcome::Kind::kNoData:
          return std::string("no endpoint has an ") + family_name() + " address";
        case Outcome::Kind::kNoMatch:
          return "no endpoint is for this client";
        case Outcome::Kind::kUnavailable:
        case Outcome::Kind::kServFail:
          return "no endpoint is available, and when_all_down decides";
        case Outcome::Kind::kFallback:
          return "no endpoint is available, so the fallback is answered";
        case Outcome::Kind::kDisabled:
          return "the profile is disabled";
        case Outcome::Kind::kAnswer:
        case Outcome::Kind::kAddresses:
          break;
      }
    }
    return {};
  }

  const char* family_name() const { return family_ == Family::kIpv4 ? "IPv4" : "IPv6"; }

  Explanation::Candidate candidate(const ProfileSpec& spec, std::uint32_t index, Verdict verdict,
                                   double probability) {
    const ProfileEndpointSpec& entry = spec.endpoints[index];
    Explanation::Candidate result;
    result.is_profile = entry.nested.has_value();
    result.name = entry.nested ? profile(*entry.nested).name : endpoint(entry.endpoint).name;
    result.is_in = is_in(verdict);
    result.probability = probability;
    result.reason = health_reason(entry, verdict);
    const bool can_be_chosen = is_in(verdict) || is_down(verdict);
    const std::string by_method = can_be_chosen ? method_reason(spec, entry) : std::string();
    if (!by_method.empty()) result.reason += "; " + by_method;
    return result;
  }

  std::string health_reason(const ProfileEndpointSpec& entry, Verdict verdict) {
    const EndpointState* health = entry.nested ? nullptr : &state_.states[entry.endpoint];
    const auto status = [&] {
      if (health == nullptr) return std::string("no endpoint");
      return std::string(base::to_string(family_ == Family::kIpv4 ? health->ipv4 : health->ipv6));
    };
    switch (verdict) {
      case Verdict::kAvailable:
        return (health == nullptr ? children_text(entry) : status()) + load_text(entry, health);
      case Verdict::kAlwaysServed:
        return "always served, whatever its health";
      case Verdict::kFull:
        return "full" + load_text(entry, health) + ", so only while nothing else has room";
      case Verdict::kDrained:
        return "drained by the operator, so only while nothing else is left";
      case Verdict::kEntryDisabled:
        return "disabled in this profile";
      case Verdict::kEndpointDisabled:
        return "disabled";
      case Verdict::kNoAddress:
        return std::string("has no ") + family_name() + " address";
      case Verdict::kNoWeight:
        return "weight 0 takes no new clients";
      case Verdict::kUnhealthy:
        return status();
      case Verdict::kTooFewChildren:
        return children_text(entry) + ", fewer than it asks for";
    }
    return {};
  }

  std::string children_text(const ProfileEndpointSpec& entry) {
    return std::to_string(judge_.count_in(*entry.nested, family_)) + " of its " +
           std::to_string(profile(*entry.nested).endpoints.size()) + " endpoints available";
  }

  std::string load_text(const ProfileEndpointSpec& entry, const EndpointState* health) const {
    if (health == nullptr) return {};
    std::string ramp;
    if (health->ramp < 1) {
      ramp = ", recovering with " + number("%.0f", health->ramp * 100) + " % of its weight";
    }
    if (!health->load) return ramp;
    std::string text = " at " + number("%.0f", *health->load * 100) + " % of its capacity";
    const double kept = kept_weight(endpoint(entry.endpoint), *health);
    if (kept > 0 && kept < 1)
      text += ", which keeps " + number("%.0f", kept * 100) + " % of its weight";
    return text;
  }

  std::string method_reason(const ProfileSpec& spec, const ProfileEndpointSpec& entry) {
    if (spec.method != Method::kSubnet) {
      if (const auto range = smallest_range(entry)) {
        return "its subnet " + base::to_string(*range) + " holds the client";
      }
    }
    switch (spec.method) {
      case Method::kPriority:
        return "priority " + std::to_string(entry.priority);
      case Method::kWeighted:
        return "weight " + std::to_string(entry.weight);
      case Method::kPerformance:
        return nearness(entry);
      case Method::kGeographic:
        return region_reason(entry);
      case Method::kSubnet:
        if (entry.subnets.empty()) return "takes clients in no subnet of the others";
        if (const auto range = smallest_range(entry)) {
          return "its subnet " + base::to_string(*range) + " holds the client";
        }
        return "no subnet of it holds the client";
      case Method::kMultivalue:
        break;
    }
    return {};
  }

  std::optional<base::AddressRange> smallest_range(const ProfileEndpointSpec& entry) const {
    std::optional<base::AddressRange> best;
    for (const base::AddressRange& range : entry.subnets) {
      if (range.contains(asker_.address()) && (!best || best->contains(range))) best = range;
    }
    return best;
  }

  std::string region_reason(const ProfileEndpointSpec& entry) const {
    std::vector<std::string> regions = result_.client.regions;
    if (regions.empty()) regions = {"WORLD"};
    for (const std::string& region : regions) {
      if (std::find(entry.regions.begin(), entry.regions.end(), region) != entry.regions.end()) {
        return "its region " + region + " holds the client";
      }
    }
    return "none of its regions holds the client (" + join(regions) + ")";
  }

  std::string nearness(const ProfileEndpointSpec& entry) {
    if (entry.nested) return "as near as the nearest of its endpoints";
    if (entry.endpoint < state_.columns.size()) {
      const LatencyColumn column = state_.columns[entry.endpoint];
      for (const LatencySample& sample : asker_.latency().row(asker_.measurement().value)) {
        if (sample.column == column) return number("%.1f ms measured", sample.rtt_us / 1000.0);
      }
    }
    const std::optional<GeoPoint>& own = endpoint(entry.endpoint).point;
    if (!own) return "its place is not known";
    if (!result_.client.point) return "the client's place is not known";
    return number("%.0f km away", distance_km(*own, *result_.client.point));
  }

  void add_result(const DecisionTree::Branch& branch) {
    const Outcome& outcome = tree_.outcomes()[branch.outcome];
    Explanation::Result result;
    result.kind = outcome.kind;
    result.probability = branch.probability;
    result.ttl = outcome.ttl;
    if (outcome.kind == Outcome::Kind::kAnswer) {
      const EndpointSpec& site = endpoint(outcome.endpoint);
      result.endpoint = site.name;
      if (site.target) {
        result.answers.push_back(site.target->to_string() + ".");
      } else {
        add_addresses(family_ == Family::kIpv4 ? site.ipv4 : site.ipv6, result);
      }
    }
    add_addresses(outcome.addresses, result);
    if (outcome.has_data()) result.ttl_reason = ttl_reason(outcome);
    result_.results.push_back(std::move(result));
  }

  static void add_addresses(const std::vector<base::IpAddress>& addresses,
                            Explanation::Result& result) {
    for (const base::IpAddress& address : addresses) {
      result.answers.push_back(base::to_string(address));
    }
  }

  std::string ttl_reason(const Outcome& outcome) const {
    ProfileId lowest = outcome.profile;
    for (std::uint32_t at = outcome.step; at != Step::kNone; at = tree_.steps()[at].before) {
      const ProfileId id = tree_.steps()[at].profile;
      if (profile(id).ttl <= profile(lowest).ttl) lowest = id;
    }
    if (outcome.ttl < profile(lowest).ttl) return "a failing endpoint may turn Degraded by then";
    return "the ttl of profile " + profile(lowest).name;
  }

  const ProfileId id_;
  const RoutingState& state_;
  const DecisionTree& tree_;
  const Family family_;
  const LocationMap no_places_;
  const LocationMap& locations_;
  Judge judge_;
  Rng rng_;
  Asker asker_;
  Explanation result_;
  std::vector<DecisionTree::Branch> branches_;
  // By the step before, and the entry.
  std::map<std::pair<std::uint32_t, std::uint32_t>, double> entry_chances_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> step_of_;
};

}  // namespace

Explanation explain(ProfileId id, const RoutingState& state, const DecisionTree& tree,
                    Family family, const base::IpAddress& client, const LatencyMap& latency) {
  return Explainer(id, state, tree, family, client, latency).run();
}

std::string_view to_string(Outcome::Kind kind) noexcept {
  switch (kind) {
    case Outcome::Kind::kAnswer:
    case Outcome::Kind::kAddresses:
      return "answer";
    case Outcome::Kind::kFallback:
      return "fallback";
    case Outcome::Kind::kNoData:
    case Outcome::Kind::kNoMatch:
    case Outcome::Kind::kUnavailable:
    case Outcome::Kind::kDisabled:
      return "no data";
    case Outcome::Kind::kServFail:
      return "SERVFAIL";
  }
  return "unknown";
}

}  // namespace gslb::routing
