#pragma once

#include "routing/decision_tree.h"
#include "routing/judge.h"

namespace gslb::routing {

/// The decision for a profile, with all that lie within it, for one family and state. `judge` is
/// that of `state`.
///
/// Nested profiles must form no loop, and lie no deeper than kMaxNesting.
DecisionTree compile(ProfileId id, const RoutingState& state, Judge& judge, Family family);

}  // namespace gslb::routing
