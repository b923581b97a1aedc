// Sites that fail and return, probed over real TLS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/blackbox/daemon.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using std::chrono::milliseconds;
using support::SiteBehaviour;
using support::VpnSite;

TEST(Failover, EverySickSiteIsLeftWithItsReasonAndReturnsWith401) {
  VpnSite site;
  Daemon daemon(site_and_spare(site.port()));
  ASSERT_TRUE(daemon.wait_for_log("endpoint london: CheckingEndpoint -> Online"));

  const struct {
    const char* title;
    SiteBehaviour behaviour;
    const char* reason;
  } rows[] = {
      {"answers 200", SiteBehaviour::kStatus200, "expected status 401, got 200"},
      {"answers 404", SiteBehaviour::kStatus404, "expected status 401, got 404"},
      {"closes the port", SiteBehaviour::kClosed, "connection refused"},
      {"hangs before TLS", SiteBehaviour::kHangAfterAccept,
       "timed out after 500ms: connected, but no TLS handshake"},
      {"hangs behind TLS", SiteBehaviour::kHangAfterTls,
       "timed out after 500ms: TLS established, but no HTTP response"},
      {"shows only TCP", SiteBehaviour::kPlainTcp, "TLS handshake failed"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    site.set_behaviour(row.behaviour);
    EXPECT_TRUE(daemon.wait_for_log("endpoint london: Online -> Degraded: monitor sstp at " +
                                    base::to_string(site.address()) + ": " + row.reason))
        << daemon.log();
    EXPECT_EQ(daemon.addresses(kVpn), kSpare);
    site.set_behaviour(SiteBehaviour::kHealthy);
    EXPECT_TRUE(daemon.wait_for_log("endpoint london: Degraded -> Online")) << daemon.log();
    EXPECT_EQ(daemon.addresses(kVpn), kSite);
  }
}

TEST(Failover, ToleratedFailuresAreTolerated) {
  VpnSite site;
  Daemon daemon(site_and_spare(site.port(), 2));
  ASSERT_TRUE(daemon.wait_for_log("CheckingEndpoint -> Online"));
  const std::uint64_t before = site.requests();
  site.set_behaviour(SiteBehaviour::kStatus404);
  ASSERT_TRUE(daemon.wait_for_log("Online -> Degraded"));
  EXPECT_EQ(site.requests() - before, 3U);
  EXPECT_NE(daemon.log().find("(3 consecutive failures since "), std::string::npos) << daemon.log();
}

TEST(Failover, TheAnswerChangesWithin50MillisecondsOfTheDecidingProbe) {
  VpnSite site;
  Daemon daemon(site_and_spare(site.port()));
  ASSERT_TRUE(daemon.wait_for_log("CheckingEndpoint -> Online"));
  // The site answers each probe at once, so the request that it counts is the deciding probe.
  const std::pair<SiteBehaviour, const char*> rows[] = {{SiteBehaviour::kStatus404, kSpare},
                                                        {SiteBehaviour::kHealthy, kSite}};
  for (int round = 0; round < 3; ++round) {
    for (const auto& [behaviour, expected] : rows) {
      const std::uint64_t before = site.requests();
      site.set_behaviour(behaviour);
      while (site.requests() == before) std::this_thread::sleep_for(milliseconds(1));
      const auto delay = daemon.wait_for_addresses(kVpn, expected);
      ASSERT_TRUE(delay);
      EXPECT_LE(*delay, milliseconds(is_sanitized() ? 500 : 50));
    }
  }
}

TEST(Failover, WhenAllSitesAreDownTheProfileDecides) {
  VpnSite site(VpnSite::Options{.behaviour = SiteBehaviour::kStatus404});
  const auto profile = [](const std::string& name) {
    return "[profile." + name + "]\nname = \"" + name +
           ".gslb.example.com\"\nmethod = \"priority\"\nwhen_all_down = \"" + name +
           "\"\nendpoints = [{ endpoint = \"london\" }]\n";
  };
  Daemon daemon(quick_config(site.port(), R"(
[endpoint.london]
addresses = ["127.0.0.1"]
monitors = ["sstp"]
)" + profile("serve-all") + profile("nodata") +
                                              profile("servfail")));
  ASSERT_TRUE(daemon.wait_for_log("-> Degraded"));
  EXPECT_EQ(daemon.addresses("serve-all.gslb.example.com"), kSite);
  const support::Message nodata = daemon.ask("nodata.gslb.example.com", 1);
  EXPECT_EQ(nodata.rcode, "NOERROR");
  EXPECT_TRUE(nodata.answer.empty());
  EXPECT_EQ(nodata.authority.size(), 1U);
  EXPECT_EQ(daemon.ask("servfail.gslb.example.com", 1).rcode, "SERVFAIL");
}

TEST(Failover, HttpAndTcpMonitorsWorkToo) {
  VpnSite web(VpnSite::Options{.tls = false, .behaviour = SiteBehaviour::kStatus200});
  VpnSite plain(VpnSite::Options{.behaviour = SiteBehaviour::kPlainTcp});
  Daemon daemon(R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.web]
protocol = "http"
interval = "1s"
timeout = "500ms"
tolerated_failures = 0
expect_body = "works"
port = )" + std::to_string(web.port()) +
                R"(
[monitor.port]
protocol = "tcp"
interval = "1s"
timeout = "500ms"
tolerated_failures = 0
port = )" + std::to_string(plain.port()) +
                R"(
[endpoint.web]
addresses = ["127.0.0.1"]
monitors = ["web", "port"]
[profile.web]
name = "web.gslb.example.com"
method = "priority"
when_all_down = "nodata"
endpoints = [{ endpoint = "web" }]
)");
  ASSERT_TRUE(daemon.wait_for_log("endpoint web: CheckingEndpoint -> Online")) << daemon.log();
  plain.set_behaviour(SiteBehaviour::kClosed);
  ASSERT_TRUE(daemon.wait_for_log("endpoint web: Online -> Degraded: monitor port at"))
      << daemon.log();
  plain.set_behaviour(SiteBehaviour::kPlainTcp);
  ASSERT_TRUE(daemon.wait_for_log("endpoint web: Degraded -> Online")) << daemon.log();
  web.set_behaviour(SiteBehaviour::kStatus404);
  ASSERT_TRUE(daemon.wait_for_log("endpoint web: Online -> Degraded: monitor web at"))
      << daemon.log();
  EXPECT_EQ(daemon.addresses("web.gslb.example.com"), "");
}

}  // namespace
}  // namespace gslb::blackbox
