#include "routing/alias_table.h"

#include <gtest/gtest.h>

#include <numeric>

#include "routing/random.h"

namespace gslb::routing {
namespace {

/// The exact probability of each index, in units of 2⁻³² of a column.
std::vector<double> probabilities(const std::vector<AliasSlot>& table) {
  constexpr double kFull = 4294967296.0;
  std::vector<double> result(table.size(), 0.0);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double keep = static_cast<double>(table[i].keep) / kFull;
    result[i] += keep / static_cast<double>(table.size());
    result[table[i].alias] += (1 - keep) / static_cast<double>(table.size());
  }
  return result;
}

TEST(AliasTable, GivesEveryIndexItsShare) {
  const std::vector<std::uint32_t> rows[] = {{1},
                                             {1, 1},
                                             {70, 20, 10},
                                             {0, 5},
                                             {5, 0, 0, 0},
                                             {1000, 1},
                                             {1, 1000, 1, 999, 3, 0, 17},
                                             std::vector<std::uint32_t>(1000, 1000)};
  for (const auto& weights : rows) {
    SCOPED_TRACE(testing::PrintToString(weights));
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    const std::vector<double> shares = probabilities(make_alias_table(weights));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      EXPECT_NEAR(shares[i], weights[i] / total, 1e-9);
      EXPECT_TRUE(weights[i] > 0 || shares[i] == 0.0) << "weight 0 must never be drawn";
    }
  }
}

TEST(AliasTable, DrawsByChiSquare) {
  const std::vector<std::uint32_t> weights = {70, 20, 10, 1, 333, 566};
  const std::vector<AliasSlot> table = make_alias_table(weights);
  Rng rng(7);
  constexpr double kDraws = 1'000'000;
  std::vector<double> seen(weights.size(), 0.0);
  for (int i = 0; i < static_cast<int>(kDraws); ++i) seen[pick(table, rng())] += 1;
  double chi_square = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double expected = kDraws * weights[i] / 1000.0;
    chi_square += (seen[i] - expected) * (seen[i] - expected) / expected;
  }
  // 5 degrees of freedom: exceeded by chance once in 10,000 seeds; the seed is fixed.
  EXPECT_LT(chi_square, 25.7);
}

TEST(AliasTable, NeverDrawsWeightZeroEvenAtTheEdges) {
  const std::vector<AliasSlot> table = make_alias_table(std::vector<std::uint32_t>{0, 1, 0});
  for (const std::uint64_t random : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0xffffffff},
                                     std::uint64_t{0xffffffff00000000}}) {
    EXPECT_EQ(pick(table, random), 1U);
  }
}

}  // namespace
}  // namespace gslb::routing
