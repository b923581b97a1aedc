// What breaks, and who notices.

#include <algorithm>
#include <sstream>

#include "docker/tests/estate.h"

namespace gslb::docker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Failure : public Scenario {
 protected:
  /// What the resolver's clients get, once caches have gone by.
  bool wait_for_answer(const std::string& client, const std::string& address) {
    return wait_until([&] {
      const auto lines = estate_.dig(client, kVpn);
      return std::find(lines.begin(), lines.end(), address) != lines.end();
    });
  }
  /// How many a name server has made, as its metrics tell.
  double probes(const std::string& ns) {
    const std::string metrics = estate_.run(
        "client-london", {"sh", "-c",
                          "curl -s -H \"Authorization: Bearer $(cat /estate/api.token)\" http://" +
                              std::string(ns == "ns1" ? kNs1 : kNs2) + ":8053/metrics"});
    double sum = 0;
    std::istringstream lines(metrics);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("gslbd_probes_total")) sum += std::stod(line.substr(line.rfind(' ')));
    }
    return sum;
  }
  /// No query is lost; one may be late, while the resolver finds out that nobody answers it.
  static void expect_continuity(const std::vector<Sighting>& seen, const std::string& what) {
    const Continuity found = continuity_of(seen);
    measured(what + ", queries without an answer",
             std::to_string(found.unanswered) + " of " + std::to_string(seen.size()));
    measured(what + ", longest time between two answers (ms)",
             std::to_string(found.longest_gap.count()));
    EXPECT_EQ(found.unanswered, 0);
    EXPECT_LT(found.longest_gap, std::chrono::seconds(10));
  }
  void expect_degraded_everywhere(const std::string& site, const std::string& reason) {
    for (const char* ns : {"ns1", "ns2"}) {
      EXPECT_TRUE(estate_.wait_for_status(ns, site, "Degraded")) << ns;
      EXPECT_THAT(estate_.reason(ns, site), HasSubstr(reason)) << ns;
    }
  }
};

TEST_F(Failure, ASiteDiesAndReturns) {
  estate_.docker({"kill", estate_.id("london-sstp"), estate_.id("london-ike")});
  EXPECT_TRUE(wait_for_answer("client-london", kNewYork));
  expect_degraded_everywhere("london", "connection refused");
  // Others are not moved.
  EXPECT_THAT(estate_.dig("client-singapore", "vpn.gslb.example.com"), ElementsAre(kSingapore));

  estate_.docker({"start", estate_.id("london-sstp"), estate_.id("london-ike")});
  EXPECT_TRUE(wait_for_answer("client-london", kLondon));
}

TEST_F(Failure, IkeDiesAndSstpDoesNot) {
  estate_.docker({"kill", estate_.id("newyork-ike")});
  expect_degraded_everywhere("newyork", "ikev2");
  EXPECT_TRUE(wait_for_answer("client-newyork", kLondon));
}

TEST_F(Failure, SstpDiesAndIkeDoesNot) {
  estate_.docker({"kill", estate_.id("newyork-sstp")});
  expect_degraded_everywhere("newyork", "sstp");
  EXPECT_TRUE(wait_for_answer("client-newyork", kLondon));
}

TEST_F(Failure, AnOpenPortIsNotEnough) {
  estate_.run("singapore-sstp", {"touch", "/tmp/unregistered"});
  expect_degraded_everywhere("singapore", "expected status 401, got 404");
}

TEST_F(Failure, ACertificateExpires) {
  estate_.show_certificate("london", "expired");
  expect_degraded_everywhere("london", "expired");
  EXPECT_TRUE(wait_for_answer("client-london", kNewYork));
}

TEST_F(Failure, OneNameServerCannotReachASite) {
  estate_.add_fault("london", std::string("ip saddr ") + kNs1 + " drop");
  Watch watch("client-london", {"watch-sstp"});
  EXPECT_TRUE(estate_.wait_for_status("ns1", "london", "Degraded"));
  EXPECT_EQ(estate_.status("ns2", "london"), "Online");
  EXPECT_THAT(estate_.dig("client-london", "vpn.gslb.example.com", kNs1), ElementsAre(kNewYork));
  EXPECT_THAT(estate_.dig("client-london", "vpn.gslb.example.com", kNs2), ElementsAre(kLondon));
  // Either site works, so clients notice nothing.
  const auto seen = watch.sightings();
  EXPECT_GT(seen.size(), 10U);
  EXPECT_LT(continuity_of(seen).longest_gap, std::chrono::seconds(3));
}

TEST_F(Failure, ANameServerIsKilledAndResolversGoToTheOther) {
  // With TTL 0 each query goes to a name server.
  Watch watch("client-london", {"watch-dns", "weighted.gslb.example.com"});
  ASSERT_TRUE(wait_until([&] { return watch.sightings().size() > 20; }));
  estate_.docker({"kill", estate_.id("ns1")});
  const std::size_t killed_at = watch.sightings().size();
  ASSERT_TRUE(wait_until([&] { return watch.sightings().size() > killed_at + 50; }));
  const auto seen = watch.sightings();
  expect_continuity(seen, "name server killed");
  EXPECT_FALSE(seen.back().site.empty());
}

TEST_F(Failure, LossAndLatencyTakeNobodyOutAndALineThatIsCutDoes) {
  std::string config = estate_.config();
  const std::string quick = "tolerated_failures = 1";
  for (std::size_t at = 0; (at = config.find(quick, at)) != std::string::npos;) {
    config.replace(at, quick.size(), "tolerated_failures = 3");  // The default.
  }
  estate_.set_config(config);
  // One packet of twenty is lost; later than 200 ms where the kernel can.
  estate_.add_fault("london", "numgen random mod 100 < 5 drop");
  const bool has_netem = estate_
                             .exec("london", {"tc", "qdisc", "replace", "dev", "eth0", "root",
                                              "netem", "delay", "200ms", "loss", "1%"})
                             .status == 0;
  measured("latency", has_netem ? "200 ms by netem" : "left out: this kernel has no netem");
  const auto log = [&] { return estate_.docker({"logs", estate_.id("ns1")}); };
  const std::size_t before = log().size();
  // Eight rounds of six checks.
  const double start = probes("ns1");
  EXPECT_TRUE(wait_until([&] { return probes("ns1") >= start + 48; }));
  EXPECT_THAT(log().substr(before), testing::Not(HasSubstr("london: Online -> Degraded")));
  if (has_netem) estate_.run("london", {"tc", "qdisc", "del", "dev", "eth0", "root"});

  estate_.add_fault("london", "ip saddr { 198.18.1.53, 198.18.2.53 } drop");
  expect_degraded_everywhere("london", "timed out");
}

TEST_F(Failure, BothNameServersAreUpgradedAndNobodyNotices) {
  // The same programs in another image.
  const std::string next = "gslbd:next";
  estate_.docker({"commit", "--change", "LABEL upgraded=true", estate_.id("ns1"), next});
  Watch watch("client-london", {"watch-dns", "weighted.gslb.example.com"});
  ASSERT_TRUE(wait_until([&] { return watch.sightings().size() > 10; }));
  for (const char* ns : {"ns1", "ns2"}) {
    estate_.compose({"up", "-d", "--no-deps", "--no-build", ns}, {"GSLBD_IMAGE=" + next});
    // The health check of the image says when the next one may go.
    EXPECT_TRUE(wait_until([&] {
      return estate_.docker({"inspect", "-f", "{{.Config.Image}} {{.State.Health.Status}}",
                             estate_.id(ns)}) == next + " healthy\n";
    })) << ns;
    // What is known of the sites has survived.
    EXPECT_THAT(estate_.docker({"logs", estate_.id(ns)}), HasSubstr("the last health of"));
  }
  expect_continuity(watch.sightings(), "rolling upgrade");
}

}  // namespace
}  // namespace gslb::docker
