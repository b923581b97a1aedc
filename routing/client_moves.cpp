#include "routing/client_moves.h"

#include <algorithm>

#include "routing/compile.h"

namespace gslb::routing {
namespace {

using Shares = std::map<std::string, double>;  ///< By endpoint.

/// The value of a range with nothing but its place.
RangeMap map_of_subnets(const RoutedProfile& routed) {
  RangeMapBuilder builder;
  std::uint32_t next = 0;
  std::vector<ProfileId> left{routed.id};
  while (!left.empty()) {
    const ProfileSpec& profile = routed.state->profiles[left.back()];
    left.pop_back();
    for (const ProfileEndpointSpec& entry : profile.endpoints) {
      for (const base::AddressRange& range : entry.subnets) builder.add(range, next++);
      if (entry.nested) left.push_back(*entry.nested);
    }
  }
  return std::move(builder).build();
}

/// How many clients there are in a range; see ClientGroup::weight.
double weight_of(const base::AddressRange& range) {
  const auto first = range.first.bytes();
  const auto last = range.last.bytes();
  const std::size_t octets = range.first.is_v4() ? 4 : 6;
  double size = 0;
  for (std::size_t i = 0; i < octets; ++i) {
    size = size * 256 + (static_cast<double>(last[i]) - static_cast<double>(first[i]));
  }
  return size + 1;
}

class Side {
 public:
  Side(const RoutedProfile& routed, Family family)
      : routed_(routed),
        judge_(*routed.state),
        tree_(compile(routed.id, *routed.state, judge_, family)),
        family_(family) {}

  Shares shares_for(const base::IpAddress& client) {
    Rng rng(0);
    const LocationMap& places =
        routed_.state->locations == nullptr ? no_places_ : *routed_.state->locations;
    Asker asker(client, places, *routed_.latency, rng);
    Shares shares;
    for (const auto& branch : tree_.branches(asker, DecisionTree::StickyAs::kShares)) {
      add(tree_.outcomes()[branch.outcome], branch.probability, shares);
    }
    return shares;
  }

 private:
  void add(const Outcome& outcome, double probability, Shares& shares) const {
    if (outcome.kind == Outcome::Kind::kAnswer) {
      shares[routed_.state->endpoints[outcome.endpoint].name] += probability;
    } else if (outcome.has_data()) {
      // A client takes one of the addresses.
      for (const base::IpAddress& address : outcome.addresses) {
        shares[owner_of(address, outcome.profile)] +=
            probability / static_cast<double>(outcome.addresses.size());
      }
    } else {
      shares[""] += probability;
    }
  }

  std::string owner_of(const base::IpAddress& address, ProfileId profile) const {
    for (const ProfileEndpointSpec& entry : routed_.state->profiles[profile].endpoints) {
      if (entry.nested) continue;
      const EndpointSpec& endpoint = routed_.state->endpoints[entry.endpoint];
      const auto& own = family_ == Family::kIpv4 ? endpoint.ipv4 : endpoint.ipv6;
      if (std::find(own.begin(), own.end(), address) != own.end()) return endpoint.name;
    }
    return base::to_string(address);
  }

  const RoutedProfile& routed_;
  const LocationMap no_places_;
  Judge judge_;
  DecisionTree tree_;
  Family family_;
};

/// What went away goes to what came, in proportion.
void add_moves(const Shares& before, const Shares& after, double weight, ClientMoves& moves) {
  Shares lost, won;
  double moved = 0;
  for (const auto& [name, share] : before) {
    const auto now = after.find(name);
    const double rest = share - (now == after.end() ? 0 : now->second);
    if (rest > 1e-12) {
      lost[name] = rest;
      moved += rest;
    }
  }
  if (moved == 0) return;
  for (const auto& [name, share] : after) {
    const auto then = before.find(name);
    const double more = share - (then == before.end() ? 0 : then->second);
    if (more > 1e-12) won[name] = more;
  }
  moves.moved += weight * moved;
  for (const auto& [from, less] : lost) {
    for (const auto& [to, more] : won) moves.from_to[{from, to}] += weight * less * more / moved;
  }
}

}  // namespace

std::vector<ClientGroup> client_groups(const RoutedProfile& before, const RoutedProfile& after,
                                       Family family) {
  const LocationMap no_places;
  const auto places_of = [&](const RoutedProfile& routed) -> const RangeMap& {
    return (routed.state->locations == nullptr ? no_places : *routed.state->locations).ranges();
  };
  const RangeMap subnets_before = map_of_subnets(before);
  const RangeMap subnets_after = map_of_subnets(after);
  std::vector<const RangeMap*> maps;
  for (const RangeMap* map : {&places_of(before), &places_of(after), &before.latency->ranges(),
                              &after.latency->ranges(), &subnets_before, &subnets_after}) {
    // Mostly both sides have the same places, and nobody has subnets.
    if (std::find(maps.begin(), maps.end(), map) == maps.end()) maps.push_back(map);
  }
  const bool v4 = family == Family::kIpv4;
  std::vector<base::IpAddress> starts;
  for (const RangeMap* map : maps) {
    map->for_each([&](const base::AddressRange& range, std::uint32_t) {
      if (range.first.is_v4() != v4) return;
      starts.push_back(range.first);
      if (const auto after_range = base::next(range.last)) starts.push_back(*after_range);
    });
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());

  std::map<std::vector<std::uint32_t>, ClientGroup> groups;
  std::vector<std::uint32_t> values;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    values.clear();
    for (const RangeMap* map : maps) values.push_back(map->find(starts[i]).value);
    const bool is_known = std::any_of(values.begin(), values.end(),
                                      [](std::uint32_t value) { return value != RangeMap::kNone; });
    if (!is_known) continue;
    ClientGroup& group = groups[values];
    group.client = starts[i];
    const base::IpAddress last = i + 1 < starts.size() ? *base::previous(starts[i + 1])
                                                       : base::to_range({starts[i], 0}).last;
    group.weight += weight_of({starts[i], last});
  }
  std::vector<ClientGroup> result;
  result.reserve(groups.size() + 1);
  for (const auto& [key, group] : groups) result.push_back(group);
  // Nothing tells clients apart: one stands for all.
  if (result.empty()) result.push_back({v4 ? base::IpAddress() : base::IpAddress::v6({}), 1});
  return result;
}

ClientMoves compare_profiles(const RoutedProfile& before, const RoutedProfile& after, Family family,
                             std::span<const ClientGroup> groups) {
  Side old_side(before, family);
  Side new_side(after, family);
  ClientMoves moves;
  double total = 0;
  for (const ClientGroup& group : groups) total += group.weight;
  for (const ClientGroup& group : groups) {
    add_moves(old_side.shares_for(group.client), new_side.shares_for(group.client),
              group.weight / total, moves);
  }
  return moves;
}

bool has_subnets(std::span<const ProfileSpec> profiles, ProfileId id) {
  const std::vector<ProfileEndpointSpec>& entries = profiles[id].endpoints;
  return std::any_of(entries.begin(), entries.end(), [&](const ProfileEndpointSpec& entry) {
    return !entry.subnets.empty() || (entry.nested && has_subnets(profiles, *entry.nested));
  });
}

}  // namespace gslb::routing
