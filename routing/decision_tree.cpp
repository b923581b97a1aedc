#include "routing/decision_tree.h"

#include <cassert>

namespace gslb::routing {

DecisionTree::NodeIndex DecisionTree::add_leaf(const Outcome& outcome) {
  const auto index = static_cast<NodeIndex>(nodes_.size());
  nodes_.push_back({Node::Kind::kLeaf, static_cast<std::uint32_t>(outcomes_.size()), 1});
  outcomes_.push_back(outcome);
  return index;
}

DecisionTree::NodeIndex DecisionTree::add_weighted(std::span<const NodeIndex> children,
                                                   std::span<const std::uint32_t> weights) {
  assert(children.size() == weights.size());
  const auto index = static_cast<NodeIndex>(nodes_.size());
  nodes_.push_back({Node::Kind::kWeighted, static_cast<std::uint32_t>(children_.size()),
                    static_cast<std::uint32_t>(children.size())});
  const std::vector<AliasSlot> table = make_alias_table(weights);
  slots_.insert(slots_.end(), table.begin(), table.end());
  children_.insert(children_.end(), children.begin(), children.end());
  return index;
}

}  // namespace gslb::routing
