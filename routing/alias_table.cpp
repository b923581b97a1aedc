#include "routing/alias_table.h"

#include <cassert>
#include <numeric>

namespace gslb::routing {

std::vector<AliasSlot> make_alias_table(std::span<const std::uint32_t> weights) {
  const std::uint64_t count = weights.size();
  const std::uint64_t total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  assert(count > 0 && total > 0);

  // Weights scaled so that their mean is `total`: a column is full when it holds `total`.
  std::vector<std::uint64_t> share(weights.size());
  std::vector<std::uint32_t> small, large;
  for (std::uint32_t i = 0; i < count; ++i) {
    share[i] = weights[i] * count;
    (share[i] < total ? small : large).push_back(i);
  }

  constexpr std::uint64_t kFull = std::uint64_t{1} << 32;
  std::vector<AliasSlot> table(weights.size());
  while (!small.empty() && !large.empty()) {
    const std::uint32_t poor = small.back();
    const std::uint32_t rich = large.back();
    small.pop_back();
    __extension__ const auto scaled = static_cast<unsigned __int128>(share[poor]) << 32;
    table[poor] = {static_cast<std::uint64_t>(scaled / total), rich};
    share[rich] -= total - share[poor];
    if (share[rich] < total) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // Integers leave no rounding residue: what remains is exactly full.
  for (const std::uint32_t i : large) table[i] = {kFull, i};
  for (const std::uint32_t i : small) table[i] = {kFull, i};
  return table;
}

}  // namespace gslb::routing
