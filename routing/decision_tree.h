#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "routing/alias_table.h"
#include "routing/random.h"
#include "routing/spec.h"

namespace gslb::routing {

/// What a walk through a decision tree can end in.
struct Outcome {
  enum class Kind : std::uint8_t {
    kAnswer,       ///< The addresses of `endpoint`.
    kNoData,       ///< NOERROR without data: nothing has addresses of this family.
    kUnavailable,  ///< NOERROR without data: no endpoint is available.
    kDisabled,     ///< NOERROR without data: the profile is switched off.
    kServFail,     ///< SERVFAIL: no endpoint is available.
  };

  Kind kind = Kind::kNoData;
  EndpointId endpoint = 0;      ///< With kAnswer.
  std::chrono::seconds ttl{0};  ///< With kAnswer.

  bool operator==(const Outcome&) const = default;
};

/// A routing decision compiled to a walk without locks, allocation or clock: the nodes lie in one
/// array, children before their parents, the root last. Immutable once built, so any number of
/// threads may walk it at a time.
class DecisionTree {
 public:
  using NodeIndex = std::uint32_t;

  /// Adds a leaf that ends in `outcome`.
  NodeIndex add_leaf(const Outcome& outcome);
  /// Adds a node that goes to children[i] with probability weights[i] / sum. Sizes must agree; the
  /// weights must not sum to zero.
  NodeIndex add_weighted(std::span<const NodeIndex> children,
                         std::span<const std::uint32_t> weights);

  /// Walks from the root. Returns an index into outcomes(). At least one node must have been added.
  std::uint32_t walk(Rng& rng) const noexcept {
    const Node* node = &nodes_.back();
    while (node->kind == Node::Kind::kWeighted) {
      const std::uint32_t choice = pick(std::span(slots_).subspan(node->first, node->count), rng());
      node = &nodes_[children_[node->first + choice]];
    }
    return node->first;
  }

  std::span<const Outcome> outcomes() const& noexcept { return outcomes_; }
  std::span<const Outcome> outcomes() const&& = delete;

 private:
  struct Node {
    enum class Kind : std::uint8_t { kLeaf, kWeighted };

    Kind kind;
    std::uint32_t first;  ///< kLeaf: the outcome. kWeighted: the first of its slots and children.
    std::uint32_t count;  ///< kWeighted: how many.
  };

  std::vector<Node> nodes_;
  std::vector<AliasSlot> slots_;  ///< Parallel to children_.
  std::vector<NodeIndex> children_;
  std::vector<Outcome> outcomes_;
};

}  // namespace gslb::routing
