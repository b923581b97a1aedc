#include "routing/latency_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "routing/latency_columns.h"

namespace gslb::routing {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr LatencyColumn kLondon = 0;
constexpr LatencyColumn kParis = 1;
constexpr LatencyColumn kTokyo = 2;
constexpr LatencyStore::Time kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 26};

base::IpAddress ip(std::string_view text) { return base::parse_ip_address(text).value(); }

FiledLatency filed(std::string_view address, std::uint8_t length, std::uint16_t endpoint,
                   std::uint32_t rtt_us) {
  return {{ip(address), length}, endpoint, rtt_us};
}

std::vector<LatencySample> row(const LatencyMap& map, std::string_view client) {
  const auto samples = map.row(map.ranges().find(ip(client)).value);
  return {samples.begin(), samples.end()};
}

class LatencyStoreTest : public testing::Test {
 protected:
  void add(std::string_view client, LatencyColumn column, std::chrono::microseconds rtt,
           LatencyStore::Time now = kNow) {
    ASSERT_TRUE(store_.add(ip(client), column, rtt, now));
  }

  void file(std::vector<FiledLatency> lines) {
    store_.set_filed({std::make_shared<const std::vector<FiledLatency>>(std::move(lines)),
                      {kLondon, kParis, kTokyo}});
  }

  LatencyStore store_;
};

TEST_F(LatencyStoreTest, NothingIsKnownAtFirst) {
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.1"), IsEmpty());
}

TEST_F(LatencyStoreTest, ClientsOfOneNetworkShareItsRowNearestFirst) {
  add("192.0.2.1", kLondon, 30ms);
  add("192.0.2.254", kParis, 10ms);
  add("192.0.3.1", kTokyo, 5ms);
  add("2001:db8:1:ffff::1", kTokyo, 7ms);

  const LatencyMap map = store_.make_map(kNow);
  const std::vector<LatencySample> expected{{kParis, 10'000}, {kLondon, 30'000}};
  EXPECT_EQ(row(map, "192.0.2.0"), expected);
  EXPECT_EQ(row(map, "192.0.2.255"), expected);
  EXPECT_THAT(row(map, "192.0.3.9"), ElementsAre(LatencySample{kTokyo, 5000}));
  EXPECT_THAT(row(map, "2001:db8:1::"), ElementsAre(LatencySample{kTokyo, 7000}));
  EXPECT_THAT(row(map, "2001:db8:2::"), IsEmpty());
  EXPECT_THAT(row(map, "192.0.4.0"), IsEmpty());
}

TEST_F(LatencyStoreTest, AMeasurementCountsOneEighth) {
  add("192.0.2.1", kLondon, 80ms);
  add("192.0.2.2", kLondon, 160ms);
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.1"), ElementsAre(LatencySample{kLondon, 90'000}));

  add("192.0.2.3", kLondon, 10ms);
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.1"), ElementsAre(LatencySample{kLondon, 80'000}))
      << "what was merged counts on";
}

TEST_F(LatencyStoreTest, MeasurementsDuringAMergeAreNotLost) {
  add("192.0.2.1", kLondon, 80ms);
  const LatencyStore::Merge merge = store_.begin_merge(kNow);
  add("192.0.2.1", kLondon, 160ms);
  add("192.0.2.1", kParis, 10ms);
  const LatencyMerged merged = merge.run();
  store_.finish_merge(merged);

  EXPECT_THAT(row(*merged.map, "192.0.2.1"), ElementsAre(LatencySample{kLondon, 80'000}));
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.1"),
              ElementsAre(LatencySample{kParis, 10'000}, LatencySample{kLondon, 90'000}));
}

TEST_F(LatencyStoreTest, AMergeThatIsGivenUpLosesNothing) {
  add("192.0.2.1", kLondon, 80ms);
  add("192.0.2.1", kParis, 70ms);
  store_.begin_merge(kNow);
  add("192.0.2.1", kLondon, 160ms);
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.1"),
              ElementsAre(LatencySample{kParis, 70'000}, LatencySample{kLondon, 90'000}));
}

TEST_F(LatencyStoreTest, AMergeTellsWhetherAnythingChanged) {
  store_.set_limits({1h, 1'000'000});
  add("192.0.2.1", kLondon, 80ms);
  const auto merge = [&](LatencyStore::Time now) {
    const LatencyMerged merged = store_.begin_merge(now).run();
    store_.finish_merge(merged);
    return merged.has_changes;
  };
  EXPECT_TRUE(merge(kNow));
  EXPECT_FALSE(merge(kNow + 1h));
  EXPECT_TRUE(merge(kNow + 2h));
}

TEST_F(LatencyStoreTest, WhatIsTooOldIsForgotten) {
  store_.set_limits({1h, std::size_t{1} << 20U});
  add("192.0.2.1", kLondon, 80ms);
  add("192.0.2.1", kParis, 10ms, kNow + 30min);
  EXPECT_THAT(row(store_.make_map(kNow + 1h), "192.0.2.1"),
              ElementsAre(LatencySample{kParis, 10'000}, LatencySample{kLondon, 80'000}));
  EXPECT_THAT(row(store_.make_map(kNow + 1h + 1s), "192.0.2.1"),
              ElementsAre(LatencySample{kParis, 10'000}));
}

TEST_F(LatencyStoreTest, WhatIsTooOldDoesNotCountInTheMean) {
  store_.set_limits({1h, std::size_t{1} << 20U});
  add("192.0.2.1", kLondon, 80ms);
  add("192.0.2.1", kLondon, 10ms, kNow + 2h);
  EXPECT_THAT(row(store_.make_map(kNow + 2h), "192.0.2.1"),
              ElementsAre(LatencySample{kLondon, 10'000}));
}

TEST_F(LatencyStoreTest, AClockThatWasSetBackForgetsNothing) {
  add("192.0.2.1", kLondon, 80ms, kNow + 1000h);
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.1"), ElementsAre(LatencySample{kLondon, 80'000}));
}

TEST_F(LatencyStoreTest, TheOldestNetworksGoWhereMemoryEnds) {
  // Each network costs 32 octets, 8 for the sample and 16 for the cell.
  store_.set_limits({1h, std::size_t{56} * 100});
  for (int i = 0; i < 100; ++i) {
    // Neither in the order of addresses nor against it.
    add("10.0." + std::to_string(i * 37 % 100) + ".1", kLondon, 10ms,
        kNow + std::chrono::seconds(i));
  }
  LatencyMap map = store_.make_map(kNow + 100s);
  EXPECT_EQ(map.sample_count(), 100U);
  EXPECT_EQ(store_.evicted_networks(), 0U);

  add("10.1.0.1", kLondon, 10ms, kNow + 100s);
  map = store_.make_map(kNow + 100s);
  const std::size_t evicted = store_.evicted_networks();
  EXPECT_GE(evicted, 1U);
  EXPECT_LE(evicted, 8U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(row(map, "10.0." + std::to_string(i * 37 % 100) + ".1").empty(), i < evicted) << i;
  }
  EXPECT_THAT(row(map, "10.1.0.1"), ElementsAre(LatencySample{kLondon, 10'000}));
}

TEST_F(LatencyStoreTest, AMeasurementMakesAllOfItsNetworkNew) {
  store_.set_limits({1h, std::size_t{56} * 2 + 40});
  add("10.0.0.1", kLondon, 10ms, kNow);
  add("10.0.1.1", kLondon, 10ms, kNow + 1s);
  add("10.0.0.1", kParis, 20ms, kNow + 2s);
  EXPECT_EQ(store_.make_map(kNow + 2s).sample_count(), 3U);
  add("10.0.2.1", kLondon, 10ms, kNow + 3s);
  const LatencyMap map = store_.make_map(kNow + 3s);
  EXPECT_THAT(row(map, "10.0.1.1"), IsEmpty());
  EXPECT_EQ(row(map, "10.0.0.1").size(), 2U);
}

TEST_F(LatencyStoreTest, NetworksWithoutMeasurementAreThoseOfTheFile) {
  file({filed("192.0.0.0", 16, kLondon, 50'000), filed("192.0.0.0", 16, kParis, 40'000),
        filed("192.0.2.0", 24, kLondon, 20'000)});
  const LatencyMap map = store_.make_map(kNow);
  EXPECT_THAT(row(map, "192.0.2.1"),
              ElementsAre(LatencySample{kLondon, 20'000}, LatencySample{kParis, 40'000}))
      << "Paris comes from the network around it";
  EXPECT_THAT(row(map, "192.0.3.1"),
              ElementsAre(LatencySample{kParis, 40'000}, LatencySample{kLondon, 50'000}));
  EXPECT_THAT(row(map, "192.1.0.1"), IsEmpty());
}

TEST_F(LatencyStoreTest, AMeasurementGoesBeforeTheFileForItsEndpointOnly) {
  file({filed("192.0.2.0", 24, kLondon, 50'000), filed("192.0.2.0", 24, kParis, 40'000)});
  add("192.0.2.1", kLondon, 10ms);
  EXPECT_THAT(row(store_.make_map(kNow), "192.0.2.7"),
              ElementsAre(LatencySample{kLondon, 10'000}, LatencySample{kParis, 40'000}));
}

TEST_F(LatencyStoreTest, ASmallerNetworkOfTheFileGoesBeforeAMeasurement) {
  file({filed("192.0.2.128", 25, kLondon, 90'000)});
  add("192.0.2.1", kLondon, 10ms);
  add("192.0.2.1", kParis, 20ms);
  const LatencyMap map = store_.make_map(kNow);
  EXPECT_THAT(row(map, "192.0.2.1"),
              ElementsAre(LatencySample{kLondon, 10'000}, LatencySample{kParis, 20'000}));
  EXPECT_THAT(row(map, "192.0.2.129"),
              ElementsAre(LatencySample{kParis, 20'000}, LatencySample{kLondon, 90'000}));
}

TEST_F(LatencyStoreTest, TheFileIsNeverEvicted) {
  file({filed("192.0.2.0", 24, kLondon, 50'000)});
  store_.set_limits({1h, 1});
  add("198.51.100.1", kLondon, 10ms);
  const LatencyMap map = store_.make_map(kNow);
  EXPECT_THAT(row(map, "198.51.100.1"), IsEmpty());
  EXPECT_THAT(row(map, "192.0.2.1"), ElementsAre(LatencySample{kLondon, 50'000}));
}

TEST_F(LatencyStoreTest, FindsWhatOverlaps) {
  add("192.0.2.1", kLondon, 10ms);
  add("192.0.3.1", kParis, 20ms);
  store_.make_map(kNow);
  add("192.0.3.1", kLondon, 30ms);
  const auto all = [](LatencyColumn) { return true; };
  const auto found = [&](std::string_view address, std::uint8_t length) {
    return store_.find_measured(base::AddressPrefix{ip(address), length}, all, 10).size();
  };
  EXPECT_EQ(found("192.0.2.0", 23), 3U);
  EXPECT_EQ(found("192.0.2.77", 32), 1U);
  EXPECT_EQ(found("192.0.3.0", 24), 2U);
  EXPECT_EQ(found("192.0.4.0", 24), 0U);
  EXPECT_EQ(found("::", 0), 0U);
  EXPECT_EQ(store_.find_measured(std::nullopt, all, 10).size(), 3U);
  EXPECT_EQ(store_
                .find_measured(
                    std::nullopt, [](auto column) { return column == kParis; }, 10)
                .size(),
            1U);
}

/// The rule of precedence by looking at every network, for one client.
std::map<LatencyColumn, std::uint32_t> expected_row(
    const std::vector<FiledLatency>& lines, const std::map<LatencyKey, std::uint32_t>& cells,
    const base::IpAddress& client) {
  std::map<LatencyColumn, std::pair<int, std::uint32_t>> best;
  const auto offer = [&](LatencyColumn column, int rank, std::uint32_t rtt) {
    const auto [at, is_new] = best.try_emplace(column, rank, rtt);
    if (!is_new && at->second.first < rank) at->second = {rank, rtt};
  };
  for (const FiledLatency& line : lines) {
    if (line.network.contains(client)) offer(line.endpoint, 2 * line.network.length, line.rtt_us);
  }
  for (const auto& [key, rtt] : cells) {
    const base::AddressPrefix network = network_of(key);
    if (network.contains(client)) offer(column_of(key), 2 * network.length + 1, rtt);
  }
  std::map<LatencyColumn, std::uint32_t> row;
  for (const auto& [column, value] : best) row[column] = value.second;
  return row;
}

TEST_F(LatencyStoreTest, RandomSourcesGiveWhatTheRuleSays) {
  std::mt19937 random(7);
  const auto address = [&] {
    return base::IpAddress::v4(
        {10, 0, static_cast<std::uint8_t>(random() % 8), static_cast<std::uint8_t>(random())});
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<FiledLatency> lines;
    for (int i = 0; i < 12; ++i) {
      const auto length = static_cast<std::uint8_t>(8 + random() % 25);
      const FiledLatency line{{base::masked(address(), length), length},
                              static_cast<std::uint16_t>(random() % 3),
                              static_cast<std::uint32_t>(random() % 1000)};
      const bool is_known = std::any_of(lines.begin(), lines.end(), [&](const FiledLatency& other) {
        return other.network == line.network && other.endpoint == line.endpoint;
      });
      if (!is_known) lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end(), [](const FiledLatency& a, const FiledLatency& b) {
      return is_before(a.network, b.network);
    });
    store_ = LatencyStore();
    file(lines);
    std::map<LatencyKey, std::uint32_t> cells;
    for (int i = 0; i < 6; ++i) {
      const base::IpAddress client = address();
      const auto column = static_cast<LatencyColumn>(random() % 3);
      const auto rtt = static_cast<std::uint32_t>(random() % 1000);
      if (!cells.emplace(latency_key(client, column), rtt).second) continue;
      ASSERT_TRUE(store_.add(client, column, std::chrono::microseconds(rtt), kNow));
    }
    const LatencyMap map = store_.make_map(kNow);
    for (int i = 0; i < 200; ++i) {
      const base::IpAddress client = address();
      std::map<LatencyColumn, std::uint32_t> found;
      std::uint32_t previous = 0;
      for (const LatencySample& sample : map.row(map.ranges().find(client).value)) {
        EXPECT_LE(previous, sample.rtt_us);
        previous = sample.rtt_us;
        EXPECT_TRUE(found.emplace(sample.column, sample.rtt_us).second);
      }
      ASSERT_EQ(found, expected_row(lines, cells, client)) << to_string(client);
    }
  }
}

TEST(LatencyColumnsTest, ANameKeepsItsColumn) {
  LatencyColumns columns;
  EXPECT_EQ(columns.column("london"), 0);
  EXPECT_EQ(columns.column("paris"), 1);
  EXPECT_EQ(columns.column("london"), 0);
  EXPECT_THAT(columns.names(), ElementsAre("london", "paris"));
}

TEST(LatencyColumnsTest, ThereIsAnEnd) {
  LatencyColumns columns;
  for (std::size_t i = 0; i < kMaxLatencyColumns; ++i) columns.column("site" + std::to_string(i));
  EXPECT_EQ(columns.column("one more"), kNoLatencyColumn);
  EXPECT_EQ(columns.column("site7"), 7);
  LatencyStore store;
  EXPECT_FALSE(store.add(ip("192.0.2.1"), kNoLatencyColumn, 1ms, kNow));
}

TEST(LatencyKeyTest, HoldsNetworkAndColumn) {
  struct Case {
    const char* client;
    const char* network;
    std::uint8_t length;
  };
  for (const Case& c :
       {Case{"0.0.0.0", "0.0.0.0", 24}, Case{"255.254.253.252", "255.254.253.0", 24},
        Case{"2001:db8:ffff:1::", "2001:db8:ffff::", 48}, Case{"::1", "::", 48}}) {
    for (const LatencyColumn column : std::initializer_list<LatencyColumn>{0, 1, 32767}) {
      const LatencyKey key = latency_key(ip(c.client), column);
      EXPECT_TRUE(is_valid(key));
      EXPECT_EQ(network_of(key), (base::AddressPrefix{ip(c.network), c.length})) << c.client;
      EXPECT_EQ(column_of(key), column);
    }
  }
  EXPECT_FALSE(is_valid(LatencyKey{1} << 39U));
}

}  // namespace
}  // namespace gslb::routing
