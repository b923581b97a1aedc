#pragma once

#include <span>
#include <vector>

#include "base/ip_address.h"

namespace gslb::routing {

/// The answers of method multivalue, of which one is drawn with equal chances for each query: each
/// holds `max_answers` of the addresses, or all where there are fewer, in an order of its own.
///
/// To render all subsets in all orders would take more than there is room for. So the addresses are
/// put into circles, several times in random order, and an answer is an arc of a circle: every
/// address stands at every place of an answer equally often. The random order is the same each time
/// for the same addresses. There must be an address.
std::vector<std::vector<base::IpAddress>> multivalue_answers(
    std::span<const base::IpAddress> addresses, unsigned max_answers);

}  // namespace gslb::routing
