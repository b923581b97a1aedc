#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/address_range.h"

namespace gslb::routing {

/// A range of addresses that belongs to something, such as an entry of a profile.
struct OwnedRange {
  base::AddressRange range;
  std::size_t owner = 0;
};

/// Sorts the ranges so that those that lie within another follow it.
inline void sort_nested(std::vector<OwnedRange>& ranges) {
  std::stable_sort(ranges.begin(), ranges.end(), [](const OwnedRange& a, const OwnedRange& b) {
    if (a.range.first != b.range.first) return a.range.first < b.range.first;
    return b.range.last < a.range.last;
  });
}

/// Calls visit(range, owners) for each range, where `owners` are those of the range itself and of
/// all around it, the smallest first. Of any two ranges one must lie within the other, or both
/// apart.
template <class Visit>
void for_each_nested(std::vector<OwnedRange> ranges, const Visit& visit) {
  sort_nested(ranges);
  std::vector<const OwnedRange*> around;
  for (const OwnedRange& owned : ranges) {
    while (!around.empty() && !around.back()->range.contains(owned.range)) around.pop_back();
    around.push_back(&owned);
    std::vector<std::size_t> owners;
    for (auto it = around.rbegin(); it != around.rend(); ++it) owners.push_back((*it)->owner);
    visit(owned.range, owners);
  }
}

/// Two ranges that are the same or overlap without one lying within the other; nothing where there
/// are none.
inline std::optional<std::pair<OwnedRange, OwnedRange>> find_conflict(
    std::vector<OwnedRange> ranges) {
  sort_nested(ranges);
  std::vector<const OwnedRange*> around;
  for (const OwnedRange& owned : ranges) {
    while (!around.empty() && !around.back()->range.contains(owned.range.first)) around.pop_back();
    if (!around.empty()) {
      const base::AddressRange& outer = around.back()->range;
      if (outer == owned.range || !outer.contains(owned.range)) {
        return std::pair(*around.back(), owned);
      }
    }
    around.push_back(&owned);
  }
  return std::nullopt;
}

}  // namespace gslb::routing
