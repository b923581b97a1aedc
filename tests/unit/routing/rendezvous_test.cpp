#include "routing/rendezvous.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "routing/decision_tree.h"
#include "routing/random.h"

namespace gslb::routing {
namespace {

constexpr std::uint32_t kNetworks = 1'000'000;

base::IpAddress network(std::uint32_t number) {
  return base::IpAddress::v4({static_cast<std::uint8_t>(1 + (number >> 16)),
                              static_cast<std::uint8_t>(number >> 8),
                              static_cast<std::uint8_t>(number), 7});
}

/// Which of the sites takes each of a million client networks.
std::vector<std::uint32_t> choices(const std::vector<std::uint32_t>& weights) {
  std::vector<std::uint64_t> keys;
  std::vector<double> inverse;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    keys.push_back(rendezvous_key("site" + std::to_string(i)));
    inverse.push_back(1.0 / weights[i]);
  }
  std::vector<std::uint32_t> result(kNetworks);
  for (std::uint32_t i = 0; i < kNetworks; ++i) {
    result[i] = pick_rendezvous(network_key(network(i), 24), keys, inverse);
  }
  return result;
}

/// Pearson's statistic of the counts against the weights.
double chi_square(const std::vector<std::uint32_t>& drawn,
                  const std::vector<std::uint32_t>& weights) {
  std::vector<double> counts(weights.size(), 0);
  for (const std::uint32_t choice : drawn) ++counts[choice];
  double total = 0;
  for (const std::uint32_t weight : weights) total += weight;
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double expected = static_cast<double>(drawn.size()) * weights[i] / total;
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

// Of five sites: 4 degrees of freedom, which exceed 18.47 once in a thousand times.
const std::vector<std::uint32_t> kWeights{70, 20, 10, 1, 300};
constexpr double kLimit = 18.47;

TEST(Rendezvous, SharesAMillionNetworksByWeight) {
  EXPECT_LT(chi_square(choices(kWeights), kWeights), kLimit);
}

TEST(Rendezvous, RandomWeightedPicksShareByWeight) {
  DecisionTree tree;
  std::vector<DecisionTree::NodeIndex> children;
  for (std::uint32_t i = 0; i < kWeights.size(); ++i) {
    children.push_back(tree.add_leaf({Outcome::Kind::kAnswer, i, {}, 0, 0, {}}));
  }
  tree.add_weighted(children, kWeights);
  const LocationMap locations;
  const LatencyMap latency;
  Rng rng(4);
  const base::IpAddress client;
  std::vector<std::uint32_t> drawn(kNetworks);
  for (std::uint32_t& choice : drawn) {
    Asker asker(client, locations, latency, rng);
    choice = tree.outcomes()[tree.walk(asker)].endpoint;
  }
  EXPECT_LT(chi_square(drawn, kWeights), kLimit);
}

double moved_share(const std::vector<std::uint32_t>& before,
                   const std::vector<std::uint32_t>& after) {
  double moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) moved += before[i] != after[i] ? 1 : 0;
  return moved / static_cast<double>(before.size());
}

TEST(Rendezvous, AChangedWeightMovesTheLeastThatItCan) {
  const std::vector<std::uint32_t> before{50, 30, 20};
  const auto first = choices(before);
  const struct {
    const char* title;
    std::vector<std::uint32_t> after;
  } rows[] = {{"one grows", {50, 30, 40}},
              {"one shrinks", {50, 15, 20}},
              {"one by a little", {51, 30, 20}},
              {"one to almost nothing", {1, 30, 20}}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    // The least is what the shares differ by.
    double sum = 0;
    for (const std::uint32_t weight : row.after) sum += weight;
    double least = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      least += std::abs(row.after[i] / sum - before[i] / 100.0) / 2;
    }
    const auto second = choices(row.after);
    EXPECT_NEAR(moved_share(first, second), least, 0.01 * std::max(least, 0.1));
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (first[i] == second[i]) continue;
      // Only to or from the one whose weight changed.
      const auto changed = [&](std::uint32_t site) { return row.after[site] != before[site]; };
      ASSERT_TRUE(changed(first[i]) || changed(second[i]));
    }
  }
}

TEST(Rendezvous, WhoLosesItsSiteIsSpreadAndNobodyElseMoves) {
  const auto before = choices({50, 30, 20});
  std::vector<std::uint64_t> keys{rendezvous_key("site0"), rendezvous_key("site2")};
  const std::vector<double> inverse{1.0 / 50, 1.0 / 20};
  std::vector<std::uint32_t> orphans;
  for (std::uint32_t i = 0; i < kNetworks; ++i) {
    const std::uint32_t now = pick_rendezvous(network_key(network(i), 24), keys, inverse) * 2;
    if (before[i] == 1) {
      orphans.push_back(now / 2);
    } else {
      ASSERT_EQ(now, before[i]);
    }
  }
  EXPECT_LT(chi_square(orphans, {50, 20}), 10.83) << "1 degree of freedom, one in a thousand";
}

TEST(Rendezvous, TheOrderOfTheListDoesNotMatter) {
  const std::vector<std::uint64_t> keys{rendezvous_key("a"), rendezvous_key("b")};
  const std::vector<std::uint64_t> reversed{keys[1], keys[0]};
  const std::vector<double> inverse{1, 1};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint64_t key = network_key(network(i), 24);
    EXPECT_EQ(pick_rendezvous(key, keys, inverse), 1 - pick_rendezvous(key, reversed, inverse));
  }
}

TEST(Rendezvous, ANetworkIsWhatItsPrefixSays) {
  const auto ip = [](const char* text) { return *base::parse_ip_address(text); };
  EXPECT_EQ(network_key(ip("192.0.2.1"), 24), network_key(ip("192.0.2.254"), 24));
  EXPECT_NE(network_key(ip("192.0.2.1"), 24), network_key(ip("192.0.3.1"), 24));
  EXPECT_NE(network_key(ip("192.0.2.1"), 32), network_key(ip("192.0.2.2"), 32));
  EXPECT_EQ(network_key(ip("2001:db8:0:12ff::1"), 56), network_key(ip("2001:db8:0:1200::"), 56));
  EXPECT_NE(network_key(ip("2001:db8:0:1300::"), 56), network_key(ip("2001:db8:0:1200::"), 56));
  EXPECT_EQ(network_key(ip("2001:db8::1:2"), 112), network_key(ip("2001:db8::1:fffe"), 112));
  EXPECT_NE(network_key(ip("2001:db8::1:2"), 112), network_key(ip("2001:db8::2:2"), 112));
}

}  // namespace
}  // namespace gslb::routing
