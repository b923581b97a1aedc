#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "routing/alias_table.h"
#include "routing/asker.h"
#include "routing/spec.h"

namespace gslb::routing {

/// What a walk through a decision tree can end in.
struct Outcome {
  enum class Kind : std::uint8_t {
    kAnswer,       ///< The addresses of `endpoint`, or its target.
    kAddresses,    ///< `addresses`, of several endpoints.
    kFallback,     ///< `addresses`, because no endpoint is available.
    kNoData,       ///< NOERROR without data: nothing has addresses of this family.
    kNoMatch,      ///< NOERROR without data: no endpoint is for this client.
    kUnavailable,  ///< NOERROR without data: no endpoint is available.
    kDisabled,     ///< NOERROR without data: the profile is switched off.
    kServFail,     ///< SERVFAIL: no endpoint is available.
  };

  /// True where addresses or a target are answered.
  bool has_data() const noexcept {
    return kind == Kind::kAnswer || kind == Kind::kAddresses || kind == Kind::kFallback;
  }

  bool operator==(const Outcome&) const = default;

  Kind kind = Kind::kNoData;
  EndpointId endpoint = 0;      ///< With kAnswer.
  std::chrono::seconds ttl{0};  ///< Where has_data().
  ProfileId profile = 0;        ///< Whose rule it is: the innermost of nested ones.
  std::uint32_t step = 0;       ///< How it was reached: into DecisionTree::steps().
  std::vector<base::IpAddress> addresses;
};

/// One level of nesting on the way to an outcome: entry `entry` of profile `profile`.
struct Step {
  static constexpr std::uint32_t kNone = 0xffffffff;

  std::uint32_t before = kNone;  ///< The step that led to the profile; kNone for the outermost.
  ProfileId profile = 0;
  std::uint32_t entry = kNone;  ///< kNone: the profile itself decided, and took no entry.

  bool operator==(const Step&) const = default;
};

/// A routing decision compiled to a walk without locks, allocation or clock: the nodes lie in one
/// array, children before their parents. Immutable once built, so any number of
/// threads may walk it at a time.
///
/// A tree with geographic nodes holds for the LocationMap that it was compiled with, and may be
/// walked with no other.
class DecisionTree {
 public:
  using NodeIndex = std::uint32_t;

  /// A child of a node that chooses by hash.
  struct Share {
    NodeIndex child = 0;
    std::uint32_t weight = 1;  ///< Above 0.
    std::uint64_t key = 0;     ///< Stands for the child, whatever the order: a hash of its name.
  };
  struct RegionChild {
    RegionId region = kWorld;
    NodeIndex child = 0;
  };
  struct PlaceChild {
    UnitVector vector{};
    NodeIndex child = 0;
  };
  struct ColumnChild {
    LatencyColumn column = 0;
    NodeIndex child = 0;
  };

  /// An outcome reached with a certain chance.
  struct Branch {
    std::uint32_t outcome = 0;
    double probability = 0;
  };

  std::uint32_t add_step(const Step& step);
  /// Adds a leaf that ends in `outcome`.
  NodeIndex add_leaf(Outcome outcome);
  /// Adds a node that goes to children[i] with probability weights[i] / sum. Sizes must agree; the
  /// weights must not sum to zero.
  NodeIndex add_weighted(std::span<const NodeIndex> children,
                         std::span<const std::uint32_t> weights);
  /// Adds a node that sends every client network to one child, and of all networks a share by
  /// weight to each; see rendezvous.h. There must be a child.
  NodeIndex add_hashed(std::span<const Share> shares, const Sticky& sticky);
  /// Adds a node that goes to the child which is the value of the range around the client, and to
  /// `otherwise` where there is none.
  NodeIndex add_ranges(RangeMap ranges, NodeIndex otherwise);
  /// Adds a node that goes to the child of the most specific region around the client, and to
  /// `otherwise` where there is none. Regions must be distinct.
  NodeIndex add_regions(std::vector<RegionChild> children, NodeIndex otherwise);
  /// Adds a node that goes to the child with the lowest measured latency; without a measurement to
  /// the nearest; and to `unknown` where the client's place is not known. There must be a place.
  NodeIndex add_nearest(std::span<const ColumnChild> columns, std::span<const PlaceChild> places,
                        NodeIndex unknown);

  /// Where walks start: the last node that was added, unless this says otherwise.
  void set_root(NodeIndex root) noexcept { root_ = root; }

  /// Walks from the root. Returns an index into outcomes(). At least one node must have been added.
  std::uint32_t walk(Asker& asker) const noexcept {
    NodeIndex at = root_;
    while (nodes_[at].kind != Node::Kind::kLeaf) at = choose(nodes_[at], asker);
    return nodes_[at].first;
  }

  /// What a sticky choice is for branches().
  enum class StickyAs : std::uint8_t {
    kDecision,  ///< Of this client: what walk() does.
    kShares,    ///< Of all client networks: each child with its share.
  };

  /// Every outcome that a walk for this client can end in, each once and with its chance, which sum
  /// to 1. What depends on the client is decided as in walk().
  std::vector<Branch> branches(Asker& asker, StickyAs sticky = StickyAs::kDecision) const;

  std::span<const Outcome> outcomes() const& noexcept { return outcomes_; }
  std::span<const Outcome> outcomes() const&& = delete;
  std::span<const Step> steps() const& noexcept { return steps_; }
  std::span<const Step> steps() const&& = delete;

  /// Of all that belongs to it, in octets.
  std::size_t memory() const noexcept;

 private:
  struct Node {
    enum class Kind : std::uint8_t { kLeaf, kWeighted, kHashed, kRanges, kRegions, kNearest };

    Kind kind;
    std::uint32_t first;  ///< kLeaf: the outcome. Others: the first in their array.
    std::uint32_t count;  ///< kWeighted: how many.
  };

  struct Hashed {
    Sticky sticky;
    std::vector<NodeIndex> children;
    std::vector<std::uint64_t> keys;
    std::vector<double> inverse_weights;
  };
  struct Ranges {
    RangeMap map;
    NodeIndex otherwise;
  };
  struct Regions {
    std::vector<RegionChild> children;  ///< Sorted by region.
    NodeIndex otherwise;
  };
  struct Nearest {
    std::vector<ColumnChild> columns;
    std::vector<PlaceChild> places;
    NodeIndex unknown;
  };
  /// What only trees need that look at the client.
  struct ByClient {
    std::vector<Hashed> hashed;
    std::vector<Ranges> ranges;
    std::vector<Regions> regions;
    std::vector<Nearest> nearest;
  };

  NodeIndex choose(const Node& node, Asker& asker) const noexcept {
    if (node.kind == Node::Kind::kWeighted) {
      const auto table = std::span(slots_).subspan(node.first, node.count);
      return children_[node.first + pick(table, asker.rng()())];
    }
    return choose_by_client(node, asker);
  }
  NodeIndex choose_by_client(const Node& node, Asker& asker) const noexcept;
  /// One call of branches().
  struct Branching {
    Asker& asker;
    StickyAs sticky;
    std::vector<double> chances;  ///< By outcome.
  };
  void add_branches(NodeIndex at, double probability, Branching& branching) const;
  NodeIndex add_node(Node::Kind kind, std::size_t first, std::size_t count = 0);
  ByClient& by_client();

  static NodeIndex choose_hashed(const Hashed& node, Asker& asker) noexcept;
  static NodeIndex choose_range(const Ranges& node, Asker& asker) noexcept;
  static NodeIndex choose_region(const Regions& node, Asker& asker) noexcept;
  static NodeIndex choose_nearest(const Nearest& node, Asker& asker) noexcept;

  NodeIndex root_ = 0;
  std::vector<Node> nodes_;
  std::vector<AliasSlot> slots_;  ///< Parallel to children_.
  std::vector<NodeIndex> children_;
  std::vector<Outcome> outcomes_;
  std::vector<Step> steps_;
  std::unique_ptr<ByClient> by_client_;
};

}  // namespace gslb::routing
