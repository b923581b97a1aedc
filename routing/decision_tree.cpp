#include "routing/decision_tree.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "routing/rendezvous.h"

namespace gslb::routing {
namespace {

template <class T>
std::size_t octets(const std::vector<T>& items) noexcept {
  return items.capacity() * sizeof(T);
}

}  // namespace

DecisionTree::NodeIndex DecisionTree::add_node(Node::Kind kind, std::size_t first,
                                               std::size_t count) {
  nodes_.push_back({kind, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count)});
  root_ = static_cast<NodeIndex>(nodes_.size()) - 1;
  return root_;
}

DecisionTree::ByClient& DecisionTree::by_client() {
  if (!by_client_) by_client_ = std::make_unique<ByClient>();
  return *by_client_;
}

std::uint32_t DecisionTree::add_step(const Step& step) {
  steps_.push_back(step);
  return static_cast<std::uint32_t>(steps_.size()) - 1;
}

DecisionTree::NodeIndex DecisionTree::add_leaf(Outcome outcome) {
  outcomes_.push_back(std::move(outcome));
  return add_node(Node::Kind::kLeaf, outcomes_.size() - 1);
}

DecisionTree::NodeIndex DecisionTree::add_weighted(std::span<const NodeIndex> children,
                                                   std::span<const std::uint32_t> weights) {
  assert(children.size() == weights.size());
  const std::vector<AliasSlot> table = make_alias_table(weights);
  const std::size_t first = children_.size();
  slots_.insert(slots_.end(), table.begin(), table.end());
  children_.insert(children_.end(), children.begin(), children.end());
  return add_node(Node::Kind::kWeighted, first, children.size());
}

DecisionTree::NodeIndex DecisionTree::add_hashed(std::span<const Share> shares,
                                                 const Sticky& sticky) {
  assert(!shares.empty());
  Hashed node{sticky, {}, {}, {}};
  for (const Share& share : shares) {
    node.children.push_back(share.child);
    node.keys.push_back(share.key);
    node.inverse_weights.push_back(1.0 / share.weight);
  }
  by_client().hashed.push_back(std::move(node));
  return add_node(Node::Kind::kHashed, by_client_->hashed.size() - 1);
}

DecisionTree::NodeIndex DecisionTree::add_ranges(RangeMap ranges, NodeIndex otherwise) {
  by_client().ranges.push_back({std::move(ranges), otherwise});
  return add_node(Node::Kind::kRanges, by_client_->ranges.size() - 1);
}

DecisionTree::NodeIndex DecisionTree::add_regions(std::vector<RegionChild> children,
                                                  NodeIndex otherwise) {
  std::sort(children.begin(), children.end(),
            [](const RegionChild& a, const RegionChild& b) { return a.region < b.region; });
  by_client().regions.push_back({std::move(children), otherwise});
  return add_node(Node::Kind::kRegions, by_client_->regions.size() - 1);
}

DecisionTree::NodeIndex DecisionTree::add_nearest(std::span<const ColumnChild> columns,
                                                  std::span<const PlaceChild> places,
                                                  NodeIndex unknown) {
  assert(!places.empty());
  by_client().nearest.push_back(
      {{columns.begin(), columns.end()}, {places.begin(), places.end()}, unknown});
  return add_node(Node::Kind::kNearest, by_client_->nearest.size() - 1);
}

DecisionTree::NodeIndex DecisionTree::choose_by_client(const Node& node,
                                                       Asker& asker) const noexcept {
  switch (node.kind) {
    case Node::Kind::kHashed:
      return choose_hashed(by_client_->hashed[node.first], asker);
    case Node::Kind::kRanges:
      return choose_range(by_client_->ranges[node.first], asker);
    case Node::Kind::kRegions:
      return choose_region(by_client_->regions[node.first], asker);
    case Node::Kind::kNearest:
      return choose_nearest(by_client_->nearest[node.first], asker);
    case Node::Kind::kLeaf:
    case Node::Kind::kWeighted:
      break;
  }
  assert(false && "leaves have no children, and weights do not ask for the client");
  return 0;
}

DecisionTree::NodeIndex DecisionTree::choose_hashed(const Hashed& node, Asker& asker) noexcept {
  const bool v4 = asker.address().is_v4();
  const unsigned prefix = v4 ? node.sticky.ipv4_prefix : node.sticky.ipv6_prefix;
  asker.narrow_scope(prefix);
  const std::uint64_t network = network_key(asker.address(), prefix);
  return node.children[pick_rendezvous(network, node.keys, node.inverse_weights)];
}

DecisionTree::NodeIndex DecisionTree::choose_range(const Ranges& node, Asker& asker) noexcept {
  const auto child_of = [&](std::uint32_t value) {
    return value == RangeMap::kNone ? node.otherwise : value;
  };
  const RangeMap::Hit hit = node.map.find(asker.address());
  const NodeIndex child = child_of(hit.value);
  if (asker.wants_scope()) {
    asker.narrow_scope(node.map.scope(asker.address(), hit.interval, [&](std::uint32_t value) {
      return child_of(value) == child;
    }));
  }
  return child;
}

DecisionTree::NodeIndex DecisionTree::choose_region(const Regions& node, Asker& asker) noexcept {
  const LocationMap& locations = asker.locations();
  const auto child_of = [&](std::uint32_t value) {
    RegionId region = locations.location(value).region;
    while (true) {
      const auto found = std::lower_bound(
          node.children.begin(), node.children.end(), region,
          [](const RegionChild& child, RegionId wanted) { return child.region < wanted; });
      if (found != node.children.end() && found->region == region) return found->child;
      if (region == kWorld) return node.otherwise;
      region = locations.parent(region);
    }
  };
  const RangeMap::Hit& hit = asker.place();
  const NodeIndex child = child_of(hit.value);
  if (asker.wants_scope()) {
    asker.narrow_scope(
        locations.ranges().scope(asker.address(), hit.interval,
                                 [&](std::uint32_t value) { return child_of(value) == child; }));
  }
  return child;
}

DecisionTree::NodeIndex DecisionTree::choose_nearest(const Nearest& node, Asker& asker) noexcept {
  constexpr NodeIndex kNobody = 0xffffffff;
  if (!node.columns.empty() && asker.latency().sample_count() > 0) {
    const LatencyMap& latency = asker.latency();
    const auto measured = [&](std::uint32_t row) {
      for (const LatencySample& sample : latency.row(row)) {
        for (const ColumnChild& column : node.columns) {
          if (column.column == sample.column) return column.child;
        }
      }
      return kNobody;
    };
    const RangeMap::Hit& hit = asker.measurement();
    const NodeIndex child = measured(hit.value);
    if (asker.wants_scope()) {
      asker.narrow_scope(
          latency.ranges().scope(asker.address(), hit.interval,
                                 [&](std::uint32_t row) { return measured(row) == child; }));
    }
    if (child != kNobody) return child;
  }

  const LocationMap& locations = asker.locations();
  const auto nearest = [&](std::uint32_t value) {
    const Location& location = locations.location(value);
    if (!location.point) return node.unknown;
    const PlaceChild* best = &node.places.front();
    float best_dot = dot(location.vector, best->vector);
    for (const PlaceChild& place : node.places) {
      const float product = dot(location.vector, place.vector);
      if (product > best_dot) {
        best = &place;
        best_dot = product;
      }
    }
    return best->child;
  };
  const RangeMap::Hit& hit = asker.place();
  const NodeIndex child = nearest(hit.value);
  if (asker.wants_scope()) {
    asker.narrow_scope(
        locations.ranges().scope(asker.address(), hit.interval,
                                 [&](std::uint32_t value) { return nearest(value) == child; }));
  }
  return child;
}

std::vector<DecisionTree::Branch> DecisionTree::branches(Asker& asker, StickyAs sticky) const {
  Branching branching{asker, sticky, std::vector<double>(outcomes_.size(), 0)};
  add_branches(root_, 1, branching);
  std::vector<Branch> result;
  for (std::uint32_t i = 0; i < branching.chances.size(); ++i) {
    if (branching.chances[i] > 0) result.push_back({i, branching.chances[i]});
  }
  return result;
}

void DecisionTree::add_branches(NodeIndex at, double probability, Branching& branching) const {
  const Node& node = nodes_[at];
  if (node.kind == Node::Kind::kLeaf) {
    branching.chances[node.first] += probability;
    return;
  }
  if (node.kind == Node::Kind::kHashed && branching.sticky == StickyAs::kShares) {
    const Hashed& hashed = by_client_->hashed[node.first];
    double total = 0;
    for (const double inverse : hashed.inverse_weights) total += 1 / inverse;
    for (std::size_t i = 0; i < hashed.children.size(); ++i) {
      const double share = 1 / hashed.inverse_weights[i] / total;
      add_branches(hashed.children[i], probability * share, branching);
    }
    return;
  }
  if (node.kind != Node::Kind::kWeighted) {
    add_branches(choose_by_client(node, branching.asker), probability, branching);
    return;
  }
  // What the alias table gives to each child, column by column.
  std::vector<double> shares(node.count, 0);
  constexpr double kWhole = 4294967296.0;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    const AliasSlot& slot = slots_[node.first + i];
    const double kept = static_cast<double>(slot.keep) / kWhole;
    shares[i] += kept / node.count;
    if (kept < 1) shares[slot.alias] += (1 - kept) / node.count;
  }
  for (std::uint32_t i = 0; i < node.count; ++i) {
    if (shares[i] > 0) {
      add_branches(children_[node.first + i], probability * shares[i], branching);
    }
  }
}

std::size_t DecisionTree::memory() const noexcept {
  std::size_t size = sizeof(*this) + octets(nodes_) + octets(slots_) + octets(children_) +
                     octets(outcomes_) + octets(steps_);
  for (const Outcome& outcome : outcomes_) size += octets(outcome.addresses);
  if (!by_client_) return size;
  size += sizeof(ByClient) + octets(by_client_->hashed) + octets(by_client_->ranges) +
          octets(by_client_->regions) + octets(by_client_->nearest);
  for (const Hashed& node : by_client_->hashed) {
    size += octets(node.children) + octets(node.keys) + octets(node.inverse_weights);
  }
  for (const Ranges& node : by_client_->ranges) size += node.map.memory();
  for (const Regions& node : by_client_->regions) size += octets(node.children);
  for (const Nearest& node : by_client_->nearest) {
    size += octets(node.columns) + octets(node.places);
  }
  return size;
}

}  // namespace gslb::routing
