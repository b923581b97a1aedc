#include "routing/compile.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "routing/multivalue.h"
#include "routing/nested_ranges.h"
#include "routing/region.h"
#include "routing/rendezvous.h"

namespace gslb::routing {
namespace {

using NodeIndex = DecisionTree::NodeIndex;
using Entries = std::vector<std::size_t>;  ///< Of a profile, by their places in it.
using Kind = Outcome::Kind;

/// How willingly an entry is answered; the best that there is decides.
enum class Rank : std::uint8_t {
  kRoom,     ///< Available.
  kFull,     ///< Available, while nothing else has room.
  kDrained,  ///< Likewise, and after those.
  kDown,     ///< Not available; under `serve-all`, while nothing else is.
  kOut,      ///< Never.
};

Rank rank_of(Verdict verdict) {
  if (verdict == Verdict::kFull) return Rank::kFull;
  if (verdict == Verdict::kDrained) return Rank::kDrained;
  if (is_in(verdict)) return Rank::kRoom;
  return is_down(verdict) ? Rank::kDown : Rank::kOut;
}

struct Compilation {
  const RoutingState& state;
  Judge& judge;
  Family family;
  DecisionTree tree;
};

/// One profile on its way into the tree: a level of nesting.
class Level {
 public:
  /// Answers live for at most `ttl_limit`; `before` is the step that leads here.
  Level(Compilation& compilation, ProfileId id, std::chrono::seconds ttl_limit,
        std::uint32_t before)
      : all_(compilation),
        id_(id),
        profile_(compilation.state.profiles[id]),
        verdicts_(compilation.judge.verdicts(id, compilation.family)),
        ttl_(std::min(profile_.ttl, ttl_limit)),
        before_(before),
        entry_nodes_(profile_.endpoints.size()) {}

  NodeIndex add() {
    if (!profile_.enabled) return add_end(Kind::kDisabled);
    const auto has_address = [](Verdict verdict) { return verdict != Verdict::kNoAddress; };
    if (std::none_of(verdicts_.begin(), verdicts_.end(), has_address)) {
      return add_end(Kind::kNoData);
    }
    return profile_.method == Method::kSubnet ? add_subnet() : with_overrides(add_by_method());
  }

 private:
  Rank rank(std::size_t entry) const { return rank_of(verdicts_[entry]); }
  Rank min_rank(const Entries& entries) const {
    Rank best = Rank::kOut;
    for (const std::size_t entry : entries) best = std::min(best, rank(entry));
    return best;
  }
  /// The best rank of any that may be answered now.
  Rank best_rank(const Entries& entries) const {
    const Rank best = min_rank(entries);
    const bool serves_down = profile_.when_all_down == AllDown::kServeAll;
    return best == Rank::kDown && !serves_down ? Rank::kOut : best;
  }
  Entries of_rank(const Entries& entries, Rank wanted) const {
    Entries result;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(result),
                 [&](std::size_t entry) { return wanted != Rank::kOut && rank(entry) == wanted; });
    return result;
  }
  /// Those that the method chooses from.
  Entries candidates() const {
    Entries all(profile_.endpoints.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return of_rank(all, best_rank(all));
  }

  const ProfileEndpointSpec& spec(std::size_t entry) const { return profile_.endpoints[entry]; }
  const EndpointSpec& endpoint(std::size_t entry) const {
    return all_.state.endpoints[spec(entry).endpoint];
  }
  const EndpointState& state(std::size_t entry) const {
    return all_.state.states[spec(entry).endpoint];
  }
  const std::string& name_of(std::size_t entry) const {
    const auto& nested = spec(entry).nested;
    return nested ? all_.state.profiles[*nested].name : endpoint(entry).name;
  }

  NodeIndex add_by_method() {
    const Entries chosen_from = candidates();
    if (profile_.method == Method::kGeographic) return add_geographic();
    if (chosen_from.empty()) return nothing_available();
    switch (profile_.method) {
      case Method::kPriority:
        return add_priority(chosen_from);
      case Method::kPerformance:
        return add_performance(chosen_from);
      case Method::kMultivalue:
        return add_multivalue(chosen_from);
      case Method::kWeighted:
      case Method::kGeographic:
      case Method::kSubnet:
        break;
    }
    return share(chosen_from);
  }

  NodeIndex add_priority(const Entries& entries) {
    unsigned best = spec(entries.front()).priority;
    for (const std::size_t entry : entries) best = std::min(best, spec(entry).priority);
    Entries tier;
    std::copy_if(entries.begin(), entries.end(), std::back_inserter(tier),
                 [&](std::size_t entry) { return spec(entry).priority == best; });
    return share(tier);
  }

  /// Chances by weight, less what their load takes away.
  NodeIndex share(const Entries& entries) {
    if (entries.size() == 1) return entry_node(entries.front());
    std::vector<NodeIndex> children;
    for (const std::size_t entry : entries) children.push_back(entry_node(entry));
    const std::vector<std::uint32_t> weights = weights_of(entries);
    if (!profile_.sticky) return all_.tree.add_weighted(children, weights);
    std::vector<DecisionTree::Share> shares;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      shares.push_back({children[i], weights[i], rendezvous_key(name_of(entries[i]))});
    }
    return all_.tree.add_hashed(shares, *profile_.sticky);
  }

  std::vector<std::uint32_t> weights_of(const Entries& entries) const {
    constexpr double kScale = 1000;  // So that a part of weight 1 is still a whole number.
    std::vector<double> kept(entries.size(), 1);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const bool sheds = !spec(entries[i]).nested && rank(entries[i]) == Rank::kRoom;
      if (sheds) kept[i] = kept_weight(endpoint(entries[i]), state(entries[i]));
    }
    const bool any_sheds =
        std::any_of(kept.begin(), kept.end(), [](double share) { return share < 1; });
    std::vector<std::uint32_t> weights;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint32_t weight = spec(entries[i]).weight;
      weights.push_back(any_sheds ? std::max(1U, static_cast<std::uint32_t>(
                                                     std::lround(weight * kScale * kept[i])))
                                  : weight);
    }
    return weights;
  }

  NodeIndex add_performance(const Entries& entries) {
    std::vector<DecisionTree::ColumnChild> columns;
    std::vector<DecisionTree::PlaceChild> places;
    std::vector<std::pair<GeoPoint, Entries>> sites;  // Sites at one place share by weight.
    for (const std::size_t entry : entries) {
      const NodeIndex node = entry_node(entry);
      if (spec(entry).nested) {
        add_places_within(*spec(entry).nested, node, columns, places);
        continue;
      }
      add_column(spec(entry).endpoint, node, columns);
      const std::optional<GeoPoint>& point = endpoint(entry).point;
      if (!point) continue;
      const auto same = [&](const auto& site) { return site.first == *point; };
      const auto site = std::find_if(sites.begin(), sites.end(), same);
      if (site == sites.end()) {
        sites.push_back({*point, {entry}});
      } else {
        site->second.push_back(entry);
      }
    }
    for (const auto& [point, at_point] : sites) {
      places.push_back({to_unit_vector(point), share(at_point)});
    }
    const NodeIndex unknown = share(entries);
    if (places.empty()) return unknown;
    return all_.tree.add_nearest(columns, places, unknown);
  }

  void add_column(EndpointId id, NodeIndex node,
                  std::vector<DecisionTree::ColumnChild>& columns) const {
    if (id < all_.state.columns.size()) columns.push_back({all_.state.columns[id], node});
  }

  /// A nested profile is as near as the nearest of its endpoints that may be answered.
  void add_places_within(ProfileId id, NodeIndex node,
                         std::vector<DecisionTree::ColumnChild>& columns,
                         std::vector<DecisionTree::PlaceChild>& places) {
    const std::vector<Verdict>& verdicts = all_.judge.verdicts(id, all_.family);
    Rank best = Rank::kOut;
    for (const Verdict verdict : verdicts) best = std::min(best, rank_of(verdict));
    if (best == Rank::kOut) return;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (rank_of(verdicts[i]) != best) continue;
      const ProfileEndpointSpec& child = all_.state.profiles[id].endpoints[i];
      if (child.nested) {
        add_places_within(*child.nested, node, columns, places);
        continue;
      }
      add_column(child.endpoint, node, columns);
      const std::optional<GeoPoint>& point = all_.state.endpoints[child.endpoint].point;
      if (point) places.push_back({to_unit_vector(*point), node});
    }
  }

  NodeIndex add_multivalue(const Entries& entries) {
    std::vector<base::IpAddress> addresses;
    std::chrono::seconds ttl = ttl_;
    for (const std::size_t entry : entries) {
      const EndpointSpec& site = endpoint(entry);
      const auto& own = all_.family == Family::kIpv4 ? site.ipv4 : site.ipv6;
      addresses.insert(addresses.end(), own.begin(), own.end());
      ttl = std::min(ttl, answer_ttl(state(entry)));
    }
    std::vector<NodeIndex> children;
    for (auto& chosen : multivalue_answers(addresses, profile_.max_answers)) {
      Outcome outcome = end(Kind::kAddresses);
      outcome.addresses = std::move(chosen);
      outcome.ttl = ttl;
      children.push_back(all_.tree.add_leaf(std::move(outcome)));
    }
    if (children.size() == 1) return children.front();
    return all_.tree.add_weighted(children, std::vector<std::uint32_t>(children.size(), 1));
  }

  /// The first of several groups, the most specific first, that can be answered.
  NodeIndex first_of(const std::vector<Entries>& chain) {
    if (chain.empty()) return no_match();
    const bool strict = profile_.method == Method::kGeographic &&
                        profile_.unhealthy_region == UnhealthyRegion::kStrict;
    for (const Rank wanted : {Rank::kRoom, Rank::kFull, Rank::kDrained, Rank::kDown}) {
      if (wanted == Rank::kDown && profile_.when_all_down != AllDown::kServeAll && !strict) break;
      for (const Entries& group : chain) {
        const Rank best = min_rank(group);
        if (strict && best != Rank::kOut) return share(of_rank(group, best));
        if (best == wanted) return share(of_rank(group, best));
      }
    }
    return nothing_available();
  }
  bool has_address(std::size_t entry) const { return verdicts_[entry] != Verdict::kNoAddress; }

  NodeIndex add_geographic() {
    std::vector<std::pair<std::string, std::size_t>> owners;  // Sorted by region.
    for (std::size_t entry = 0; entry < profile_.endpoints.size(); ++entry) {
      if (!has_address(entry)) continue;
      for (const std::string& region : spec(entry).regions) owners.push_back({region, entry});
    }
    std::sort(owners.begin(), owners.end());
    const auto chain_of = [&](const std::string& region) {
      std::vector<Entries> chain;
      for (const std::string& wider : region_chain(region)) {
        const auto found =
            std::lower_bound(owners.begin(), owners.end(), std::pair(wider, std::size_t{0}));
        if (found != owners.end() && found->first == wider) chain.push_back({found->second});
      }
      return chain;
    };
    std::vector<DecisionTree::RegionChild> children;
    for (const auto& [region, entry] : owners) {
      const std::optional<RegionId> id = find_region(region);
      // A region where no known network lies needs no child.
      if (id) children.push_back({*id, first_of(chain_of(region))});
    }
    return all_.tree.add_regions(std::move(children), no_match());
  }

  std::optional<RegionId> find_region(const std::string& region) const {
    if (all_.state.locations != nullptr) return all_.state.locations->find_region(region);
    return region == "WORLD" ? std::optional(kWorld) : std::nullopt;
  }

  NodeIndex add_subnet() {
    Entries rest;
    std::vector<OwnedRange> ranges;
    for (std::size_t entry = 0; entry < profile_.endpoints.size(); ++entry) {
      if (!has_address(entry)) continue;
      if (spec(entry).subnets.empty()) rest.push_back(entry);
      for (const base::AddressRange& range : spec(entry).subnets) ranges.push_back({range, entry});
    }
    RangeMapBuilder builder;
    for_each_nested(ranges, [&](const base::AddressRange& range, const Entries& around) {
      std::vector<Entries> chain;
      for (const std::size_t entry : around) chain.push_back({entry});
      if (!rest.empty()) chain.push_back(rest);
      builder.add(range, first_of(chain));
    });
    const NodeIndex otherwise = rest.empty() ? no_match() : first_of(std::vector<Entries>{rest});
    return all_.tree.add_ranges(std::move(builder).build(), otherwise);
  }

  /// Before the method come the ranges that entries have for themselves.
  NodeIndex with_overrides(NodeIndex by_method) {
    RangeMapBuilder builder;
    bool any = false;
    for (const std::size_t entry : candidates()) {
      for (const base::AddressRange& range : spec(entry).subnets) {
        builder.add(range, entry_node(entry));
        any = true;
      }
    }
    return any ? all_.tree.add_ranges(std::move(builder).build(), by_method) : by_method;
  }

  NodeIndex entry_node(std::size_t entry) {
    std::optional<NodeIndex>& node = entry_nodes_[entry];
    if (node) return *node;
    const std::uint32_t step =
        all_.tree.add_step({before_, id_, static_cast<std::uint32_t>(entry)});
    if (const auto& nested = spec(entry).nested) {
      node = Level(all_, *nested, ttl_, step).add();
    } else {
      node = all_.tree.add_leaf(
          {Kind::kAnswer, spec(entry).endpoint, answer_ttl(state(entry)), id_, step, {}});
    }
    return *node;
  }

  /// A cached answer should not outlive the verdict on its endpoint.
  std::chrono::seconds answer_ttl(const EndpointState& state) const {
    if (!state.degraded_in) return ttl_;
    const auto until = std::chrono::floor<std::chrono::seconds>(*state.degraded_in);
    return std::min(ttl_, std::max(until, std::chrono::seconds{1}));
  }

  Outcome end(Kind kind) {
    const std::uint32_t step = all_.tree.add_step({before_, id_, Step::kNone});
    return {kind, 0, ttl_, id_, step, {}};
  }
  NodeIndex add_end(Kind kind) { return all_.tree.add_leaf(end(kind)); }

  NodeIndex no_match() {
    if (!no_match_) no_match_ = add_end(Kind::kNoMatch);
    return *no_match_;
  }

  /// What stands in for an answer when nothing may be answered.
  NodeIndex nothing_available() {
    if (!nothing_) nothing_ = add_nothing_available();
    return *nothing_;
  }
  NodeIndex add_nothing_available() {
    if (profile_.when_all_down == AllDown::kServFail) return add_end(Kind::kServFail);
    Outcome outcome = end(Kind::kUnavailable);
    if (profile_.when_all_down == AllDown::kFallback) {
      std::copy_if(profile_.fallback.begin(), profile_.fallback.end(),
                   std::back_inserter(outcome.addresses), [&](const base::IpAddress& address) {
                     return address.is_v4() == (all_.family == Family::kIpv4);
                   });
      if (!outcome.addresses.empty()) outcome.kind = Kind::kFallback;
    }
    return all_.tree.add_leaf(std::move(outcome));
  }

  Compilation& all_;
  const ProfileId id_;
  const ProfileSpec& profile_;
  const std::vector<Verdict>& verdicts_;
  const std::chrono::seconds ttl_;
  const std::uint32_t before_;
  std::vector<std::optional<NodeIndex>> entry_nodes_;
  std::optional<NodeIndex> no_match_;
  std::optional<NodeIndex> nothing_;
};

}  // namespace

DecisionTree compile(ProfileId id, const RoutingState& state, Judge& judge, Family family) {
  Compilation compilation{state, judge, family, {}};
  const std::chrono::seconds no_limit = std::chrono::seconds::max();
  const NodeIndex root = Level(compilation, id, no_limit, Step::kNone).add();
  compilation.tree.set_root(root);
  return std::move(compilation.tree);
}

}  // namespace gslb::routing
