// The six methods, as an administrator sees them with `dig +subnet`, while sites fail and return.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

#include "tests/blackbox/daemon.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::SiteBehaviour;
using support::VpnSite;

/// What dig shows of a response.
struct Dug {
  std::vector<std::string> answers;  ///< In their order.
  std::string scope;                 ///< "198.51.100.0/24/16", empty where there is none.
  std::string output;

  std::string joined() const {
    std::string text;
    for (const std::string& answer : answers) text += (text.empty() ? "" : " ") + answer;
    return text;
  }
};

Dug dig(const Daemon& daemon, const std::string& client, const std::string& type = "A",
        const std::string& owner = kVpn) {
  const support::Finished dug = support::run({"dig", "@127.0.0.1", "-b", "127.0.0.2", "-p",
                                              daemon.port(), owner, type, "+subnet=" + client});
  Dug result{{}, {}, dug.output};
  std::istringstream lines(dug.output);
  std::string line;
  bool in_answer = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("; CLIENT-SUBNET: ")) result.scope = line.substr(17);
    if (line.empty()) in_answer = false;
    if (in_answer) result.answers.push_back(line.substr(line.find_last_of(" \t") + 1));
    if (line.starts_with(";; ANSWER SECTION")) in_answer = true;
  }
  return result;
}

/// Three probed sites, and the configuration of all that profiles need around them.
class Sites {
 public:
  std::string config(const std::string& profiles) const {
    std::string text = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
)";
    const struct {
      const char* name;
      const char* address;
      const char* place;
    } rows[] = {{"london", kLondon, "location = \"GB\""},
                {"paris", kParis, "coordinates = [48.9, 2.4]"},
                {"newyork", kNewYork, "location = \"US-NY\""}};
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string name = rows[i].name;
      text += "[monitor." + name + "]\npreset = \"sstp\"\nhost = \"vpn.example.com\"\n" +
              "interval = \"1s\"\ntimeout = \"500ms\"\ntolerated_failures = 0\nport = " +
              std::to_string(sites_[i].port()) + "\n[endpoint." + name + "]\naddresses = [\"" +
              rows[i].address + "\"]\n" + rows[i].place + "\nmonitors = [\"" + name +
              "\"]\nprobe_address = \"127.0.0.1\"\n";
    }
    const struct {
      const char* prefix;
      const char* region;
    } places[] = {{"10.1.0.0/16", "GB"},    {"10.2.0.0/16", "FR"}, {"10.3.0.0/16", "US-CA"},
                  {"10.4.0.0/16", "JP"},    {"10.5.0.0/16", "DE"}, {"2001:db8:1::/48", "GB"},
                  {"2001:db8:3::/48", "US"}};
    for (const auto& place : places) {
      text += std::string("[[location]]\nprefix = \"") + place.prefix + "\"\nregion = \"" +
              place.region + "\"\n";
    }
    return text + profiles;
  }

  void fail(Daemon& daemon, std::size_t site, const std::string& name) {
    sites_[site].set_behaviour(SiteBehaviour::kStatus404);
    ASSERT_TRUE(daemon.wait_for_log("endpoint " + name + ": Online -> Degraded")) << daemon.log();
  }
  void recover(Daemon& daemon, std::size_t site, const std::string& name) {
    sites_[site].set_behaviour(SiteBehaviour::kHealthy);
    ASSERT_TRUE(daemon.wait_for_log("endpoint " + name + ": Degraded -> Online")) << daemon.log();
  }

  static constexpr const char* kLondon = "203.0.113.10";
  static constexpr const char* kParis = "203.0.113.20";
  static constexpr const char* kNewYork = "203.0.113.30";

 private:
  mutable VpnSite sites_[3];
};

/// Until every site that the profiles use is Online, so that what follows fails from there.
void wait_until_online(Daemon& daemon) {
  for (const char* name : {"london", "paris", "newyork"}) {
    const std::string endpoint = std::string("endpoint") + "." + name + ": is used by no profile";
    if (daemon.log().find(endpoint) != std::string::npos) continue;
    const std::string line = std::string("endpoint ") + name + ": CheckingEndpoint -> Online";
    ASSERT_TRUE(daemon.process().wait_for_output(line)) << daemon.log();
  }
}

bool wait_for_answer(const Daemon& daemon, const std::string& client, const std::string& expected) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < until) {
    if (dig(daemon, client).joined() == expected) return true;
  }
  return false;
}

constexpr const char* kProfile = "[profile.vpn]\nname = \"vpn.gslb.example.com\"\n";

class Routing : public testing::Test {
 protected:
  void start(const std::string& profile) {
    daemon_.emplace(sites_.config(kProfile + profile));
    wait_until_online(*daemon_);
  }
  std::string answer(const std::string& client, const std::string& type = "A") const {
    return dig(*daemon_, client, type).joined();
  }
  std::string scope(const std::string& client) const { return dig(*daemon_, client).scope; }
  void fail(std::size_t site, const std::string& name) { sites_.fail(*daemon_, site, name); }
  void recover(std::size_t site, const std::string& name) { sites_.recover(*daemon_, site, name); }

  Sites sites_;
  std::optional<Daemon> daemon_;
};

TEST_F(Routing, GeographicClimbsToTheNextWiderRegionWhenItsSiteIsDown) {
  start(R"(method = "geographic"
endpoints = [{ endpoint = "london", regions = ["GB"] },
             { endpoint = "paris", regions = ["GEO-EU"] },
             { endpoint = "newyork", regions = ["US-CA", "WORLD"] }]
)");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kParis);
  EXPECT_EQ(answer("10.3.2.0/24"), Sites::kNewYork);
  EXPECT_EQ(answer("10.4.2.0/24"), Sites::kNewYork) << "Japan: WORLD";
  EXPECT_EQ(answer("192.168.7.0/24"), Sites::kNewYork) << "nobody knows where: WORLD";
  EXPECT_EQ(scope("10.1.2.0/24"), "10.1.2.0/24/16");
  EXPECT_EQ(answer("2001:db8:1:2::/56", "AAAA"), "") << "the sites have IPv4 only";
  EXPECT_EQ(answer("2001:db8:1:2::/56"), Sites::kLondon);

  fail(0, "london");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kParis) << "GB climbs to GEO-EU";
  fail(1, "paris");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kNewYork) << "and to WORLD";
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kNewYork);
  recover(0, "london");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kNewYork) << "GB is not around FR";
}

TEST_F(Routing, GeographicKnowsTheShippedDatabase) {
  start(R"(method = "geographic"
endpoints = [{ endpoint = "london", regions = ["GEO-EU"] },
             { endpoint = "newyork", regions = ["US"] }]
)");
  EXPECT_EQ(answer("193.0.6.0/24"), Sites::kLondon) << "RIPE NCC, in Amsterdam";
  EXPECT_EQ(answer("8.8.8.0/24"), Sites::kNewYork);
  const Dug nobody = dig(*daemon_, "10.4.2.0/24");
  EXPECT_EQ(nobody.joined(), "");
  EXPECT_THAT(nobody.output, testing::HasSubstr("status: NOERROR"));
  EXPECT_THAT(
      nobody.output,
      testing::HasSubstr("EDE: 0 (Other): (no endpoint of profile vpn is for this client)"));
}

TEST_F(Routing, GeographicStrictAnswersTheRegionsSiteAllTheSame) {
  start(R"(method = "geographic"
unhealthy_region = "strict"
endpoints = [{ endpoint = "london", regions = ["GB"] }, { endpoint = "paris", regions = ["WORLD"] }]
)");
  fail(0, "london");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kParis);
}

TEST_F(Routing, PerformanceGoesToTheNextNearestWhenTheNearestIsDown) {
  start(R"(method = "performance"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }, { endpoint = "newyork" }]
)");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kParis);
  EXPECT_EQ(answer("10.3.2.0/24"), Sites::kNewYork);
  EXPECT_EQ(scope("10.3.2.0/24"), "10.3.2.0/24/16");
  fail(0, "london");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kParis);
  fail(1, "paris");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kNewYork);
  recover(1, "paris");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kParis);
  std::set<std::string> seen;
  for (int i = 0; i < 40; ++i) seen.insert(answer("192.168.7.0/24"));
  EXPECT_EQ(seen, (std::set<std::string>{Sites::kParis, Sites::kNewYork}))
      << "who is nowhere gets any that is available";
}

TEST_F(Routing, SubnetTakesTheSmallestRangeAndThenTheNextAroundIt) {
  start(R"(method = "subnet"
endpoints = [{ endpoint = "london", subnets = ["10.0.0.0/8", "2001:db8::/32"] },
             { endpoint = "paris", subnets = ["10.9.0.4-10.9.0.99"] },
             { endpoint = "newyork" }]
)");
  EXPECT_EQ(answer("10.9.0.3/32"), Sites::kLondon);
  EXPECT_EQ(answer("10.9.0.4/32"), Sites::kParis);
  EXPECT_EQ(answer("10.9.0.99/32"), Sites::kParis);
  EXPECT_EQ(answer("10.9.0.100/32"), Sites::kLondon);
  EXPECT_EQ(answer("192.0.2.1/32"), Sites::kNewYork) << "the rest";
  EXPECT_EQ(answer("2001:db8:7::/48"), Sites::kLondon);
  EXPECT_EQ(scope("10.9.0.4/32"), "10.9.0.4/32/30");
  EXPECT_EQ(scope("10.64.0.0/16"), "10.64.0.0/16/10");
  fail(1, "paris");
  EXPECT_EQ(answer("10.9.0.4/32"), Sites::kLondon);
  fail(0, "london");
  EXPECT_EQ(answer("10.9.0.4/32"), Sites::kNewYork) << "the rest is around all";
}

TEST_F(Routing, SubnetsOverrideAnyOtherMethodWhileTheSiteIsAvailable) {
  start(R"(method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "paris", subnets = ["10.2.0.0/16"] }]
)");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kParis);
  EXPECT_EQ(scope("10.2.2.0/24"), "10.2.2.0/24/16");
  fail(1, "paris");
  EXPECT_EQ(answer("10.2.2.0/24"), Sites::kLondon);
  EXPECT_EQ(scope("10.2.2.0/24"), "10.2.2.0/24/0");
}

TEST_F(Routing, MultivalueAnswersSeveralAvailableAddressesInRandomOrder) {
  start(R"(method = "multivalue"
max_answers = 2
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }, { endpoint = "newyork" }]
)");
  std::map<std::string, int> first;
  for (int i = 0; i < 60; ++i) {
    const Dug dug = dig(*daemon_, "10.1.2.0/24");
    ASSERT_EQ(dug.answers.size(), 2U) << dug.output;
    EXPECT_NE(dug.answers[0], dug.answers[1]);
    ++first[dug.answers[0]];
  }
  EXPECT_EQ(first.size(), 3U);
  fail(0, "london");
  for (int i = 0; i < 20; ++i) {
    const Dug dug = dig(*daemon_, "10.1.2.0/24");
    EXPECT_THAT(dug.answers, testing::UnorderedElementsAre(Sites::kParis, Sites::kNewYork));
  }
}

TEST_F(Routing, StickyKeepsEachNetworkAndMovesOnlyWhatAChangeOfWeightMust) {
  const auto profile = [](int london) {
    return "method = \"weighted\"\nsticky = { ipv4_prefix = 24 }\n"
           "endpoints = [{ endpoint = \"london\", weight = " +
           std::to_string(london) + " }, { endpoint = \"paris\", weight = 50 }]\n";
  };
  start(profile(50));
  std::map<std::string, std::string> before;
  for (int i = 0; i < 60; ++i) {
    const std::string network = "198.18." + std::to_string(i) + ".0/24";
    before[network] = answer(network);
    const std::string host = "198.18." + std::to_string(i) + ".77/32";
    EXPECT_EQ(answer(host), before[network]);
    EXPECT_EQ(scope(host), host + "/24");
  }
  daemon_->reload(sites_.config(kProfile + profile(100)));
  int moved = 0;
  for (const auto& [network, site] : before) {
    if (answer(network) == site) continue;
    ++moved;
    EXPECT_EQ(site, Sites::kParis) << "only to the one that gained";
  }
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 25) << "a sixth of 60 are to move";
}

TEST_F(Routing, WeightedIsRandomForEachQuery) {
  start(R"(method = "weighted"
endpoints = [{ endpoint = "london", weight = 1 }, { endpoint = "paris", weight = 1 },
             { endpoint = "newyork", weight = 0 }]
)");
  std::map<std::string, int> seen;
  for (int i = 0; i < 60; ++i) ++seen[answer("10.1.2.0/24")];
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen.count(Sites::kNewYork), 0U);
  EXPECT_EQ(scope("10.1.2.0/24"), "10.1.2.0/24/0") << "the same for all";
  fail(0, "london");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(answer("10.1.2.0/24"), Sites::kParis);
}

TEST_F(Routing, ANestedProfileCountsWhileEnoughOfItsChildrenDo) {
  start(R"(method = "geographic"
endpoints = [{ profile = "europe", regions = ["GEO-EU"], min_children = 2 },
             { endpoint = "newyork", regions = ["WORLD"] }]
[profile.europe]
method = "priority"
ttl = "10s"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
)");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
  EXPECT_THAT(dig(*daemon_, "10.1.2.0/24").output, testing::ContainsRegex("\t10\tIN\tA"))
      << "the lowest TTL on the way";
  EXPECT_EQ(answer("10.4.2.0/24"), Sites::kNewYork);
  fail(0, "london");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kNewYork) << "one child is fewer than two";
  recover(0, "london");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kLondon);
}

TEST_F(Routing, FallbackAddressesAreAnsweredWhenAllAreDown) {
  start(R"(method = "priority"
when_all_down = "fallback"
fallback = ["203.0.113.99", "2001:db8::99"]
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
)");
  fail(0, "london");
  fail(1, "paris");
  const Dug dug = dig(*daemon_, "10.1.2.0/24");
  EXPECT_EQ(dug.joined(), "203.0.113.99");
  EXPECT_THAT(dug.output, testing::HasSubstr("so its fallback is answered"));
  recover(1, "paris");
  EXPECT_EQ(answer("10.1.2.0/24"), Sites::kParis);
}

std::string gslbctl(const Daemon& daemon, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GSLBCTL_BINARY);
  arguments.insert(arguments.end(), {"--control", daemon.control().string()});
  const support::Finished done = support::run(arguments);
  EXPECT_EQ(done.status, 0) << done.output;
  return done.output;
}

TEST_F(Routing, MeasuredLatencyGoesBeforeDistanceAndStaysOverARestart) {
  const support::TemporaryFolder folder;
  const std::string profile = std::string(kProfile) + R"(method = "performance"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }, { endpoint = "newyork" }]
)";
  const std::string config = "state_dir = \"" + folder.path().string() + "\"\n" +
                             "latency_file = \"" + (folder.path() / "latency.csv").string() +
                             "\"\n" + sites_.config(profile);
  support::write_file(folder.path() / "latency.csv", "10.2.0.0/16,newyork,3.5\n");
  support::write_file(folder.path() / "measured.csv",
                      "client,endpoint,rtt_ms\n10.1.2.7,paris,9\n10.1.2.8,newyork,7\n");
  {
    Daemon daemon(config);
    EXPECT_EQ(dig(daemon, "10.1.2.0/24").joined(), Sites::kLondon) << "the nearest";
    EXPECT_EQ(dig(daemon, "10.2.2.0/24").joined(), Sites::kNewYork) << "the latency file";
    EXPECT_THAT(gslbctl(daemon, {"latency", "import", (folder.path() / "measured.csv").string()}),
                testing::HasSubstr("2"));
    ASSERT_TRUE(wait_for_answer(daemon, "10.1.2.0/24", Sites::kNewYork));
    EXPECT_EQ(dig(daemon, "10.1.2.0/24").scope, "10.1.2.0/24/24");
    EXPECT_EQ(dig(daemon, "10.1.3.0/24").joined(), Sites::kLondon) << "nobody measured there";
    EXPECT_THAT(gslbctl(daemon, {"latency", "show", "10.1.2.0/24"}),
                testing::HasSubstr("10.1.2.0/24"));
    const std::string told = gslbctl(daemon, {"explain", kVpn, "--client", "10.1.2.9"});
    EXPECT_THAT(told, testing::HasSubstr("7.0 ms measured"));
    EXPECT_THAT(told, testing::HasSubstr("100.0 %  203.0.113.30"));
    support::replace_file(folder.path() / "latency.csv", "10.2.0.0/16,london,3.5\n");
    EXPECT_TRUE(wait_for_answer(daemon, "10.2.2.0/24", Sites::kLondon)) << "taken over live";
    daemon.process().signal(SIGTERM);
    EXPECT_EQ(daemon.process().wait(), 0) << daemon.log();
  }
  Daemon again(config);
  EXPECT_EQ(dig(again, "10.1.2.0/24").joined(), Sites::kNewYork) << again.log();
}

TEST_F(Routing, ExplainTellsWhatIsAnsweredNow) {
  start(R"(method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
)");
  fail(0, "london");
  const std::string told = gslbctl(*daemon_, {"explain", kVpn, "--client", "10.1.2.9"});
  EXPECT_THAT(told, testing::HasSubstr("out  london        -  Degraded; priority 1"));
  EXPECT_THAT(told, testing::HasSubstr("100.0 %  203.0.113.20"));
  EXPECT_THAT(gslbctl(*daemon_, {"explain", kVpn, "--client", "10.1.2.9", "--json"}),
              testing::HasSubstr("\"profile\":\"vpn\""));
}

TEST(Target, IsAnsweredAsACnameAndProbedWhereItLeads) {
  VpnSite site;
  VpnSite::Options options;
  options.listen = {base::IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
                    site.port()};  // Where localhost has it.
  VpnSite other(options);
  Daemon daemon(quick_config(site.port(), R"(
[endpoint.london]
target = "localhost"
monitors = ["sstp"]
[endpoint.nowhere]
target = "nowhere.invalid"
monitors = ["sstp"]
[endpoint.spare]
addresses = ["203.0.113.20"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "spare" }]
[profile.other]
name = "other.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "nowhere" }, { endpoint = "spare" }]
)"));
  ASSERT_TRUE(daemon.process().wait_for_output("endpoint london: CheckingEndpoint -> Online"))
      << daemon.log();
  for (const char* type : {"A", "AAAA"}) {
    const Dug dug = dig(daemon, "10.0.0.0/8", type);
    EXPECT_EQ(dug.joined(), "localhost.") << dug.output;
    EXPECT_THAT(dug.output, testing::ContainsRegex("IN\tCNAME\tlocalhost\\."));
  }
  EXPECT_EQ(dig(daemon, "10.0.0.0/8", "MX").joined(), "");
  site.set_behaviour(SiteBehaviour::kStatus404);
  ASSERT_TRUE(daemon.process().wait_for_output("endpoint london: Online -> Degraded"))
      << daemon.log();
  EXPECT_EQ(dig(daemon, "10.0.0.0/8").joined(), "203.0.113.20");
  ASSERT_TRUE(daemon.process().wait_for_output(
      "endpoint nowhere: CheckingEndpoint -> Degraded: the target nowhere.invalid has no "
      "addresses: "))
      << daemon.log();
  EXPECT_EQ(dig(daemon, "10.0.0.0/8", "A", "other.gslb.example.com").joined(), "203.0.113.20");
}

TEST(Load, ABusySiteGetsFewerClientsAndAFullOneNoneWhileAnotherHasRoom) {
  VpnSite::Options options;
  options.tls = false;
  options.behaviour = SiteBehaviour::kStatus200;
  options.body = "# TYPE sessions gauge\nsessions{port=\"sstp\"} 500\n";
  VpnSite metrics(options);
  const auto config = [&](int capacity) {
    return R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[endpoint.london]
addresses = ["203.0.113.10"]
[endpoint.london.load]
url = "http://127.0.0.1:)" +
           std::to_string(metrics.port()) + R"(/metrics"
metric = "sessions"
interval = "1s"
capacity = )" +
           std::to_string(capacity) + R"(
[endpoint.spare]
addresses = ["203.0.113.20"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "spare" }]
[profile.shared]
name = "shared.gslb.example.com"
method = "weighted"
endpoints = [{ endpoint = "london" }, { endpoint = "spare" }]
)";
  };
  Daemon daemon(config(500));
  ASSERT_TRUE(wait_for_answer(daemon, "10.0.0.0/8", "203.0.113.20")) << daemon.log();
  EXPECT_THAT(gslbctl(daemon, {"explain", kVpn, "--client", "10.0.0.1"}),
              testing::HasSubstr("full at 100 % of its capacity"));
  daemon.reload(config(556));  // 90 %: half of its weight is left.
  ASSERT_TRUE(wait_for_answer(daemon, "10.0.0.0/8", "203.0.113.10")) << daemon.log();
  const std::string told =
      gslbctl(daemon, {"explain", "shared.gslb.example.com", "--client", "10.0.0.1"});
  EXPECT_THAT(told, testing::HasSubstr("which keeps 50 % of its weight"));
  EXPECT_THAT(told, testing::HasSubstr("london   33."));
  metrics.set_behaviour(SiteBehaviour::kStatus404);
  ASSERT_TRUE(daemon.wait_for_log("its load is not known, so it gets its full weight"))
      << daemon.log();
  EXPECT_THAT(gslbctl(daemon, {"explain", "shared.gslb.example.com", "--client", "10.0.0.1"}),
              testing::HasSubstr("london   50.0 %"));
}

/// With MaxMind's writer, as an administrator's own database.
void make_mmdb(const std::string& schema, const std::filesystem::path& file) {
  const std::filesystem::path fresh = file.string() + ".new";
  const support::Finished made =
      support::run({GSLB_SOURCE_DIR "/tests/support/make_mmdb.pl", schema, fresh.string()});
  ASSERT_EQ(made.status, 0) << made.output;
  std::filesystem::rename(fresh, file);
}

TEST_F(Routing, AnotherGeoDatabaseIsTakenOverLiveAndABrokenOneRefused) {
  const support::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "geo.mmdb";
  make_mmdb("ip-location-db-country", file);
  const std::string profile = R"(method = "geographic"
endpoints = [{ endpoint = "london", regions = ["US-CA"] },
             { endpoint = "paris", regions = ["US", "TR"] },
             { endpoint = "newyork", regions = ["WORLD"] }]
)";
  Daemon daemon("geoip = \"" + file.string() + "\"\n" + sites_.config(kProfile + profile));
  EXPECT_EQ(dig(daemon, "192.0.2.0/24").joined(), Sites::kParis) << "the country alone";

  make_mmdb("geoip2-city", file);
  ASSERT_TRUE(daemon.wait_for_log(file.string() + " changed")) << daemon.log();
  EXPECT_EQ(dig(daemon, "192.0.2.0/24").joined(), Sites::kLondon)
      << "a city database knows the state";

  support::write_file(file, "no database");
  ASSERT_TRUE(daemon.wait_for_log("is no geo database that can be read")) << daemon.log();
  EXPECT_EQ(dig(daemon, "192.0.2.0/24").joined(), Sites::kLondon) << "the old one stays";
  EXPECT_EQ(dig(daemon, "203.0.113.0/24").joined(), Sites::kParis);
}

}  // namespace
}  // namespace gslb::blackbox
