#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gslb::routing {

/// One column of an alias table: keep it with probability `keep` / 2³², otherwise take `alias`.
struct AliasSlot {
  std::uint64_t keep = 0;  ///< 0 … 2³², both included.
  std::uint32_t alias = 0;
};

/// Columns from which an index i is drawn with probability weights[i] / sum in constant time:
/// M. D. Vose, "A Linear Algorithm for Generating Random Numbers with a Given Distribution", IEEE
/// Transactions on Software Engineering 17(9), 1991. In integers, so that the same weights give the
/// same table everywhere; each probability is exact to 2⁻³².
///
/// `weights` must not be empty and must not sum to zero.
std::vector<AliasSlot> make_alias_table(std::span<const std::uint32_t> weights);

/// Draws an index from the table with one 64-bit random number.
inline std::uint32_t pick(std::span<const AliasSlot> table, std::uint64_t random) noexcept {
  // The high half chooses the column (Lemire's multiply-shift), the low half keeps or leaves it.
  const auto column = static_cast<std::uint32_t>(((random >> 32) * table.size()) >> 32);
  // A copy, so that no branch is left: one that random numbers decide is mispredicted all the time.
  const AliasSlot slot = table[column];
  return (random & 0xffffffff) < slot.keep ? column : slot.alias;
}

}  // namespace gslb::routing
