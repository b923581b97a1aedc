// Configuration taken over live.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "dns/wire.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::SiteBehaviour;
using support::VpnSite;

/// Three sites that need no probing, with the given weights.
std::string weighted(int london, int paris, int newyork) {
  return R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[endpoint.london]
addresses = ["203.0.113.10"]
[endpoint.paris]
addresses = ["203.0.113.20"]
[endpoint.newyork]
addresses = ["203.0.113.30"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "weighted"
[[profile.vpn.endpoints]]
endpoint = "london"
weight = )" +
         std::to_string(london) +
         "\n[[profile.vpn.endpoints]]\nendpoint = \"paris\"\nweight = " + std::to_string(paris) +
         "\n[[profile.vpn.endpoints]]\nendpoint = \"newyork\"\nweight = " +
         std::to_string(newyork) + "\n";
}

void expect_shares(std::map<std::string, int> counts, int total, int london, int paris,
                   int newyork) {
  const double points = total / 100.0;
  EXPECT_NEAR(counts["203.0.113.10"], london * points, 2 * points);
  EXPECT_NEAR(counts["203.0.113.20"], paris * points, 2 * points);
  EXPECT_NEAR(counts["203.0.113.30"], newyork * points, 2 * points);
  EXPECT_EQ(counts.size(), 3U) << "an answer that no site has";
  std::printf("shares of %d queries: london %.2f %%, paris %.2f %%, newyork %.2f %%\n", total,
              counts["203.0.113.10"] / points, counts["203.0.113.20"] / points,
              counts["203.0.113.30"] / points);
}

TEST(Reload, SharesFollowTheWeightsBeforeAndAfterAnEdit) {
  constexpr int kQueries = 10'000;
  Daemon daemon(weighted(70, 20, 10));
  expect_shares(daemon.count_answers(kVpn, kQueries), kQueries, 70, 20, 10);
  daemon.reload(weighted(10, 20, 70));
  expect_shares(daemon.count_answers(kVpn, kQueries), kQueries, 10, 20, 70);
}

TEST(Reload, NamesWhatChanged) {
  Daemon daemon(weighted(70, 20, 10));
  daemon.reload(weighted(10, 20, 70));
  EXPECT_NE(daemon.log().find("configuration: profile vpn: weight of london 70 -> 10"),
            std::string::npos)
      << daemon.log();
}

TEST(Reload, HappensOnSighup) {
  Daemon daemon(weighted(70, 20, 10));
  daemon.process().signal(SIGHUP);
  EXPECT_TRUE(daemon.wait_for_log("SIGHUP"));
  EXPECT_TRUE(daemon.wait_for_log("configuration applied"));
}

TEST(Reload, HappensWhenTheFileIsWrittenInPlace) {
  Daemon daemon(weighted(100, 0, 0));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.10");
  support::write_file(daemon.file(), daemon.with_server(weighted(0, 0, 100)));
  EXPECT_TRUE(daemon.wait_for_log("configuration applied"));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.30");
}

TEST(Reload, ABrokenFileKeepsTheOldConfigurationAndNamesEveryError) {
  Daemon daemon(weighted(100, 0, 0));
  std::string broken = daemon.with_server(weighted(0, 0, 1001));
  broken.replace(broken.find("method = \"weighted\""), 19, "methd = \"weighted\"");
  support::replace_file(daemon.file(), broken);
  ASSERT_TRUE(daemon.wait_for_log("the running configuration stays"));
  const std::string log = daemon.log();
  const std::string file = daemon.file().string();
  EXPECT_NE(
      log.find(file + ":16:1: error: profile.vpn.methd: unknown key; did you mean \"method\"?"),
      std::string::npos)
      << log;
  EXPECT_NE(log.find(file + ":25:10: error: profile.vpn.endpoints[2].weight: "), std::string::npos)
      << log;
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.10");
  daemon.reload(weighted(0, 100, 0));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.20");
}

TEST(Reload, AFileThatDisappearsChangesNothing) {
  Daemon daemon(weighted(100, 0, 0));
  std::filesystem::remove(daemon.file());
  daemon.process().signal(SIGHUP);
  EXPECT_TRUE(daemon.wait_for_log("the running configuration stays"));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.10");
}

TEST(Reload, ListenAddressesNeedARestartAndTheLogSaysSo) {
  Daemon daemon(weighted(100, 0, 0));
  std::string changed = daemon.with_server(weighted(0, 100, 0));
  changed.replace(changed.find("127.0.0.1:0"), 11, "127.0.0.2:0");
  support::replace_file(daemon.file(), changed);
  EXPECT_TRUE(daemon.wait_for_log("server.listen has changed; it takes effect after a restart"));
  EXPECT_TRUE(daemon.wait_for_log("configuration applied"));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.20");
}

TEST(Reload, AZoneFileIsTakenOverLiveAndABrokenOneIsNot) {
  support::TemporaryFolder folder;
  const std::filesystem::path zone = folder.path() / "static.zone";
  support::write_file(zone, "www 300 CNAME vpn\nhost 300 A 192.0.2.1\n");
  std::string config = weighted(100, 0, 0);
  const std::string mark = "[endpoint.london]";
  config.insert(config.find(mark), "file = \"" + zone.string() + "\"\n");
  Daemon daemon(config);
  EXPECT_EQ(daemon.ask("www.gslb.example.com", dns::type::kA).answer,
            (std::vector<std::string>{"www.gslb.example.com. 300 IN CNAME vpn.gslb.example.com.",
                                      "vpn.gslb.example.com. 30 IN A 203.0.113.10"}));
  support::replace_file(zone, "host 300 A 192.0.2.2\n");
  ASSERT_TRUE(daemon.wait_for_log("configuration: zone gslb.example.com changed"));
  EXPECT_EQ(daemon.addresses("host.gslb.example.com"), "192.0.2.2");
  EXPECT_EQ(daemon.ask("www.gslb.example.com", dns::type::kA).rcode, "NXDOMAIN");

  support::replace_file(zone, "host 300 A 192.0.2.3\nhost 300 A 192.0.2.999\n");
  ASSERT_TRUE(daemon.wait_for_log(zone.string() + ":2:1: error: "));
  ASSERT_TRUE(daemon.wait_for_log("the running configuration stays"));
  EXPECT_EQ(daemon.addresses("host.gslb.example.com"), "192.0.2.2");
}

TEST(Reload, KeysAreTakenOverLiveAndBrokenOnesAreNot) {
  support::TemporaryFolder folder;
  const auto generate = [&](const std::string& algorithm) {
    const support::Finished made = support::run(
        {"dnssec-keygen", "-q", "-K", folder.path().string(), "-a", algorithm, "gslb.example.com"});
    EXPECT_EQ(made.status, 0) << made.output;
    return made.output.substr(0, made.output.find('\n'));
  };
  const std::string first = generate("ECDSAP256SHA256");
  std::string config = weighted(100, 0, 0);
  const std::string mark = "[endpoint.london]";
  config.insert(config.find(mark), "dnssec = { key_dir = \"" + folder.path().string() + "\" }\n");
  Daemon daemon(config);
  const std::string second = generate("ED25519");
  EXPECT_TRUE(
      daemon.wait_for_log("configuration: zone gslb.example.com: key " + second + " added"));

  const std::filesystem::path secret = folder.path() / (second + ".private");
  std::filesystem::rename(secret, folder.path() / "kept");
  EXPECT_TRUE(daemon.wait_for_log(second + ".private is missing beside it"));
  EXPECT_TRUE(daemon.wait_for_log("the running configuration stays"));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.10");
  std::filesystem::rename(folder.path() / "kept", secret);
  EXPECT_TRUE(daemon.wait_for_log("configuration applied"));

  std::filesystem::remove(secret);
  std::filesystem::remove(folder.path() / (second + ".key"));
  EXPECT_TRUE(
      daemon.wait_for_log("configuration: zone gslb.example.com: key " + second + " removed"));
}

TEST(Reload, HealthCarriesOver) {
  VpnSite site(VpnSite::Options{.behaviour = SiteBehaviour::kStatus404});
  const auto config = [&](const std::string& ttl) {
    return site_and_spare(site.port(), 0, "ttl = \"" + ttl + "\"\n");
  };
  Daemon daemon(config("30s"));
  ASSERT_TRUE(daemon.wait_for_log("-> Degraded"));
  daemon.reload(config("5s"));
  EXPECT_EQ(daemon.ask(kVpn, dns::type::kA).answer.at(0),
            "vpn.gslb.example.com. 5 IN A 203.0.113.20");
}

/// 100 reloads and sites that flap, under queries without a pause.
TEST(Reload, NoQueryIsLostOrWrongWhileEverythingChanges) {
  constexpr int kQueries = 100'000;
  constexpr int kReloads = 100;
  VpnSite london;
  VpnSite paris(VpnSite::Options{.listen = {support::ip("127.0.0.2"), london.port()}});
  const auto config = [&](int weight) {
    return quick_config(london.port(), R"(
[endpoint.london]
addresses = ["127.0.0.1"]
monitors = ["sstp"]
[endpoint.paris]
addresses = ["127.0.0.2"]
monitors = ["sstp"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "weighted"
[[profile.vpn.endpoints]]
endpoint = "london"
weight = )" + std::to_string(weight) +
                                           R"(
[[profile.vpn.endpoints]]
endpoint = "paris"
weight = 500
)");
  };
  Daemon daemon(config(1));
  ASSERT_TRUE(daemon.wait_for_log("profile vpn: 2/2 serving"));

  std::atomic<bool> done{false};
  std::thread flapping([&] {
    for (bool sick = true; !done; sick = !sick) {
      const std::uint64_t before = london.requests() + paris.requests();
      (sick ? london : paris).set_behaviour(SiteBehaviour::kStatus404);
      (sick ? paris : london).set_behaviour(SiteBehaviour::kHealthy);
      // Until the probes have seen it.
      while (!done && london.requests() + paris.requests() < before + 2) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
  });
  std::map<std::string, int> counts;
  std::thread asking([&] {
    int asked = 0;
    // At least as many as promised, and all the time that the reloads take.
    while (!testing::Test::HasFailure() && (asked < kQueries || !done)) {
      support::UdpClient client(daemon.address());
      constexpr int kBatch = 1000;
      const std::vector<std::uint8_t> query = support::make_query(kVpn, dns::type::kA);
      for (int sent = 0, received = 0; received < kBatch; ++received) {
        for (; sent < kBatch && sent - received < 32; ++sent) client.send(query);
        const auto response = client.receive();
        if (!response) {
          ADD_FAILURE() << "a query stays without an answer";
          return;
        }
        const auto message = support::parse_message(*response);
        const bool good = message && message->rcode == "NOERROR" && message->answer.size() == 1;
        ++counts[good ? message->answer[0].substr(message->answer[0].rfind(' ') + 1) : "wrong"];
      }
      asked += kBatch;
    }
  });
  for (int reload = 1; reload <= kReloads; ++reload) daemon.reload(config(reload));
  done = true;
  flapping.join();
  asking.join();

  const int total = counts["127.0.0.1"] + counts["127.0.0.2"];
  EXPECT_GE(total, kQueries);
  EXPECT_EQ(counts.size(), 2U) << testing::PrintToString(counts);
  EXPECT_GT(counts["127.0.0.1"], 0);
  EXPECT_GT(counts["127.0.0.2"], 0);
  const std::string log = daemon.log();
  int flaps = 0;
  for (std::size_t at = 0; (at = log.find("-> Degraded", at)) != std::string::npos; ++at) ++flaps;
  EXPECT_GT(flaps, 1);
  std::printf("%d queries over %d reloads and %d failures: all answered, none wrong\n", total,
              kReloads, flaps);
}

}  // namespace
}  // namespace gslb::blackbox
