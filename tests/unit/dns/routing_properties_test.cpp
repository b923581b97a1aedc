// What must hold for any configuration, client and state of health: explain() tells what answer()
// does, and within the announced scope everybody is answered alike.

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "dns/answer.h"
#include "routing/explain.h"
#include "routing/geo_database.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"

namespace gslb::dns {
namespace {

using base::AddressPrefix;
using base::EndpointStatus;
using base::IpAddress;
using routing::EndpointId;
using routing::Family;
using routing::Method;
using routing::ProfileEndpointSpec;
using routing::ProfileSpec;
using support::SnapshotMaker;

/// A query for vpn.gslb.example.com with EDNS Client Subnet for the whole address.
std::vector<std::uint8_t> make_ecs_query(const IpAddress& client, Family family) {
  auto query = support::make_query("vpn.gslb.example.com",
                                   family == Family::kIpv4 ? type::kA : type::kAaaa, 1232);
  const auto bytes = client.bytes();
  std::vector<std::uint8_t> option{0,
                                   8,
                                   0,
                                   static_cast<std::uint8_t>(4 + bytes.size()),
                                   0,
                                   static_cast<std::uint8_t>(client.is_v4() ? 1 : 2),
                                   static_cast<std::uint8_t>(8 * bytes.size()),
                                   0};
  option.insert(option.end(), bytes.begin(), bytes.end());
  query[query.size() - 1] = static_cast<std::uint8_t>(option.size());
  query.insert(query.end(), option.begin(), option.end());
  return query;
}

struct Seen {
  std::set<std::string> records;  ///< Type and data of the answer; "SERVFAIL" or "" for others.
  std::uint8_t scope = 0;

  auto operator<=>(const Seen&) const = default;
};

class RandomWorld {
 public:
  explicit RandomWorld(unsigned seed) : random_(seed), scratch_(seed) {
    make_places();
    make_latency();
    make_endpoints();
    const unsigned profiles = 1 + number(4);
    for (unsigned i = 0; i < profiles; ++i) add_profile(i, profiles);
    snapshot_ = maker_.snapshot();
  }

  const zones::Snapshot& snapshot() const { return *snapshot_; }
  SnapshotMaker& maker() { return maker_; }
  unsigned number(unsigned below) { return static_cast<unsigned>(random_() % below); }

  /// Near the edges of networks as well as within.
  IpAddress client() {
    const bool edge = number(3) == 0;
    const auto octet = [&] {
      const std::uint8_t edges[] = {0, 1, 4, 99, 127, 128, 255};
      return edge ? edges[number(7)] : static_cast<std::uint8_t>(number(256));
    };
    if (number(4) != 0) {
      return IpAddress::v4({10, static_cast<std::uint8_t>(number(8)), octet(), octet()});
    }
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
    bytes[5] = static_cast<std::uint8_t>(number(8));
    bytes[6] = octet();
    bytes[15] = octet();
    return IpAddress::v6(bytes);
  }

  Seen ask(const IpAddress& client, Family family) {
    std::array<std::uint8_t, 4096> out;
    const auto query = make_ecs_query(client, family);
    const std::size_t size = answer(*snapshot_, {support::ip("192.0.2.200")}, query, out, scratch_);
    const auto message = support::parse_message(std::span(out).first(size));
    if (!message) {
      ADD_FAILURE() << "no readable response";
      return {};
    }
    Seen seen;
    if (message->rcode != "NOERROR") seen.records.insert(message->rcode);
    for (const std::string& record : message->answer) {
      seen.records.insert(record.substr(record.rfind(' ') + 1));
    }
    seen.scope = scratch_.scope;
    return seen;
  }

  routing::Explanation explain(const IpAddress& client, Family family) {
    const zones::CompiledProfile& profile = *snapshot_->profiles[0];
    return routing::explain(0, maker_.routing_state(),
                            family == Family::kIpv4 ? profile.a.tree : profile.aaaa.tree, family,
                            client, *snapshot_->latency);
  }

 private:
  void make_places() {
    const char* regions[] = {"GB", "FR", "US-CA", "US", "JP", "DE", "GEO-EU"};
    std::vector<routing::ConfiguredLocation> places;
    for (unsigned i = 0; i < 12; ++i) {
      routing::ConfiguredLocation place;
      place.prefix = random_prefix();
      place.region = regions[number(7)];
      if (number(3) == 0) place.point = {1.0 * number(90), 1.0 * number(180)};
      places.push_back(std::move(place));
    }
    maker_.set_locations(routing::make_location_map(nullptr, places));
  }

  AddressPrefix random_prefix() {
    const IpAddress address = client();
    return {address,
            static_cast<std::uint8_t>(address.is_v4() ? 12 + number(21) : 40 + number(60))};
  }

  void make_latency() {
    if (number(2) == 0) return;
    routing::LatencyMapBuilder map;
    for (int row = 0; row < 6; ++row) {
      const AddressPrefix network = random_prefix();
      std::vector<routing::LatencySample> samples;
      for (unsigned i = 0; i < 1 + number(3); ++i) {
        samples.emplace_back(static_cast<routing::LatencyColumn>(number(7)), 1000 * (1 + i));
      }
      map.add(network, samples);
    }
    maker_.set_latency(std::make_shared<const routing::LatencyMap>(std::move(map).build()));
  }

  void make_endpoints() {
    const EndpointStatus statuses[] = {EndpointStatus::kOnline, EndpointStatus::kOnline,
                                       EndpointStatus::kDegraded, EndpointStatus::kCheckingEndpoint,
                                       EndpointStatus::kUnmonitored};
    for (unsigned i = 0; i < 6; ++i) {
      std::vector<std::string> addresses;
      const bool is_target = i > 0 && number(8) == 0;
      if (!is_target && number(5) != 0) addresses.push_back("203.0.113." + std::to_string(10 + i));
      if (!is_target && number(2) == 0)
        addresses.push_back("2001:db8:f::" + std::to_string(10 + i));
      const EndpointId id =
          maker_.endpoint("site" + std::to_string(i), addresses, statuses[number(5)]);
      routing::EndpointSpec& spec = maker_.endpoint_spec(id);
      spec.point = {10.0 * i, 20.0 * number(3)};
      spec.enabled = number(8) != 0;
      if (is_target) spec.target = support::name("t" + std::to_string(i) + ".example.net");
      if (number(3) == 0) maker_.state(id).load = 0.25 * number(6);
      if (number(4) == 0) maker_.set_degraded_in(id, std::chrono::seconds(number(20)));
    }
  }

  ProfileEndpointSpec random_entry() {
    ProfileEndpointSpec entry;
    entry.weight = number(4) == 0 ? 0 : 1 + number(20);
    entry.priority = 1 + number(3);
    entry.enabled = number(8) != 0;
    entry.always_serve = number(8) == 0;
    return entry;
  }

  void add_profile(unsigned index, unsigned count) {
    const std::string label = index == 0 ? "vpn" : "inner" + std::to_string(index);
    auto method = static_cast<Method>(number(6));
    ProfileSpec& profile = maker_.profile(label + ".gslb.example.com", method, {});
    profile.ttl = std::chrono::seconds(5 + number(60));
    profile.when_all_down = static_cast<routing::AllDown>(number(4));
    profile.fallback = {support::ip("203.0.113.99")};
    profile.unhealthy_region = static_cast<routing::UnhealthyRegion>(number(2));
    profile.max_answers = 1 + number(4);
    profile.enabled = number(20) != 0;
    if (number(2) == 0) {
      profile.sticky = routing::Sticky{static_cast<std::uint8_t>(8 + number(25)),
                                       static_cast<std::uint8_t>(32 + number(90))};
    }
    std::vector<std::string> regions{"GB", "FR", "US-CA", "US", "GEO-EU", "GEO-NA", "WORLD", "JP"};
    std::set<std::string> ranges;
    for (EndpointId id = 0; id < 6; ++id) {
      if (number(3) == 0) continue;
      ProfileEndpointSpec entry = random_entry();
      entry.endpoint = id;
      if (method == Method::kMultivalue && maker_.endpoint_spec(id).target) continue;
      const unsigned own_regions = number(3);
      for (unsigned i = 0; i < own_regions && method == Method::kGeographic && !regions.empty();
           ++i) {
        const auto at = regions.begin() + number(static_cast<unsigned>(regions.size()));
        entry.regions.push_back(*at);
        regions.erase(at);
      }
      for (unsigned i = 0; i < number(4); ++i) {
        const base::AddressRange range = base::to_range(random_prefix());
        if (ranges.insert(base::to_string(range)).second) entry.subnets.push_back(range);
      }
      profile.endpoints.push_back(std::move(entry));
    }
    // Only profiles behind it, so that there is no loop.
    for (unsigned inner = index + 1; inner < count && method != Method::kMultivalue; ++inner) {
      if (number(2) == 0) continue;
      ProfileEndpointSpec entry = random_entry();
      entry.nested = inner;
      entry.min_children = 1 + number(2);
      entry.min_children_ipv6 = number(3);
      if (method == Method::kGeographic && !regions.empty()) {
        entry.regions.push_back(regions.back());
        regions.pop_back();
      }
      profile.endpoints.push_back(std::move(entry));
    }
    if (profile.endpoints.empty()) profile.endpoints.push_back({});
  }

  std::mt19937 random_;
  SnapshotMaker maker_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  Scratch scratch_;
};

std::set<std::string> records_of(const routing::Explanation::Result& result) {
  if (result.kind == routing::Outcome::Kind::kServFail) return {"SERVFAIL"};
  return {result.answers.begin(), result.answers.end()};
}

TEST(RoutingProperties, ExplainTellsExactlyTheAnswersThatCome) {
  std::set<Method> methods;
  std::size_t several = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    RandomWorld world(seed);
    methods.insert(world.maker().profiles()[0].method);
    for (unsigned i = 0; i < 6; ++i) {
      const IpAddress client = world.client();
      const Family family = world.number(3) == 0 ? Family::kIpv6 : Family::kIpv4;
      SCOPED_TRACE("seed " + std::to_string(seed) + ", client " + base::to_string(client));
      const routing::Explanation told = world.explain(client, family);
      std::map<std::set<std::string>, double> expected;
      double sum = 0;
      for (const auto& result : told.results) {
        expected[records_of(result)] += result.probability;
        sum += result.probability;
      }
      ASSERT_NEAR(sum, 1, 1e-9);
      several += expected.size() > 1 ? 1 : 0;
      std::map<std::set<std::string>, unsigned> seen;
      constexpr unsigned kQueries = 150;
      for (unsigned query = 0; query < kQueries; ++query) {
        const Seen answer = world.ask(client, family);
        ++seen[answer.records];
        ASSERT_LE(answer.scope, told.scope);
        ASSERT_TRUE(expected.contains(answer.records)) << "an answer that explain does not know";
      }
      for (const auto& [records, probability] : expected) {
        // With 0.9^150 < 1e-6 what has one chance in ten must have come.
        ASSERT_TRUE(probability <= 0.1 || seen[records] > 0) << "of probability " << probability;
      }
    }
  }
  EXPECT_EQ(methods.size(), 6U);
  EXPECT_GT(several, 120U) << "too few decisions by chance to prove anything";
}

/// What can be answered to a client, with the chances in thousandths.
std::map<std::set<std::string>, long> distribution(const routing::Explanation& told) {
  std::map<std::set<std::string>, double> sums;
  for (const auto& result : told.results) sums[records_of(result)] += result.probability;
  std::map<std::set<std::string>, long> rounded;
  for (const auto& [records, share] : sums) rounded[records] = std::lround(share * 1000);
  return rounded;
}

TEST(RoutingProperties, WithinOneScopeEverybodyIsAnsweredAlike) {
  std::set<unsigned> scopes;
  for (unsigned seed = 1000; seed < 1800; ++seed) {
    RandomWorld world(seed);
    for (unsigned i = 0; i < 10; ++i) {
      const IpAddress client = world.client();
      const Family family = world.number(3) == 0 ? Family::kIpv6 : Family::kIpv4;
      const routing::Explanation told = world.explain(client, family);
      scopes.insert(told.scope);
      const base::AddressRange alike = base::to_range({client, told.scope});
      std::vector<IpAddress> others{alike.first, alike.last};
      for (unsigned other = 0; other < 20; ++other) {
        // Any address with the first bits of the client and others behind.
        const IpAddress drawn = world.client();
        if (alike.contains(drawn)) others.push_back(drawn);
      }
      for (const IpAddress& other : others) {
        ASSERT_EQ(distribution(world.explain(other, family)), distribution(told))
            << "seed " << seed << ": " << base::to_string(other) << " within "
            << base::to_string(AddressPrefix{client, told.scope});
      }
    }
  }
  EXPECT_GT(scopes.size(), 15U);
}

TEST(RoutingProperties, WithoutClientSubnetTheSourceIsTheClient) {
  SnapshotMaker maker;
  const EndpointId inside = maker.endpoint("inside", {"203.0.113.10"});
  const EndpointId outside = maker.endpoint("outside", {"203.0.113.20"});
  ProfileEndpointSpec office;
  office.endpoint = inside;
  office.subnets = {base::to_range({support::ip("192.0.2.0"), 24})};
  ProfileEndpointSpec rest;
  rest.endpoint = outside;
  maker.profile("vpn.gslb.example.com", Method::kSubnet, {office, rest});
  const auto snapshot = maker.snapshot();
  Scratch scratch(1);
  const auto ask = [&](const char* source, std::vector<std::uint8_t> query) {
    std::array<std::uint8_t, 512> out;
    const std::size_t size = answer(*snapshot, {support::ip(source)}, query, out, scratch);
    const auto message = support::parse_message(std::span(out).first(size));
    return message && !message->answer.empty()
               ? message->answer[0].substr(message->answer[0].rfind(' ') + 1)
               : std::string();
  };
  const auto plain = support::make_query("vpn.gslb.example.com", type::kA);
  EXPECT_EQ(ask("192.0.2.7", plain), "203.0.113.10");
  EXPECT_EQ(ask("198.51.100.7", plain), "203.0.113.20");
  const auto for_office = make_ecs_query(support::ip("192.0.2.9"), Family::kIpv4);
  EXPECT_EQ(ask("198.51.100.7", for_office), "203.0.113.10");
  EXPECT_EQ(scratch.scope, 24);
  // RFC 7871 §7.1.2: the client wants its network left out, so the resolver counts.
  auto withheld = support::make_query("vpn.gslb.example.com", type::kA, 1232);
  withheld[withheld.size() - 1] = 8;
  withheld.insert(withheld.end(), {0, 8, 0, 4, 0, 1, 0, 0});
  EXPECT_EQ(ask("192.0.2.7", withheld), "203.0.113.10");
  EXPECT_EQ(ask("198.51.100.7", withheld), "203.0.113.20");
}

}  // namespace
}  // namespace gslb::dns
