// What clients see when a site fails: from the last success with the old site to the first with the
// new one, by kind of failure.

#include "docker/tests/estate.h"

namespace gslb::docker {
namespace {

class Client : public Scenario {
 protected:
  void connect() {
    const auto done = estate_.exec("client-london", {"swanctl", "--initiate", "--child", "inside"});
    EXPECT_EQ(done.status, 0) << done.output;
  }
  /// Waits for a client to come to another site than London, and tells how long it was without one.
  static void expect_move(const Watch& watch, const std::string& what, const std::string& new_site,
                          std::chrono::seconds bound) {
    EXPECT_TRUE(watch.wait_for(new_site)) << what;
    const auto outage = find_outage(watch.sightings());
    ASSERT_TRUE(outage) << what;
    EXPECT_EQ(outage->to, new_site) << what;
    EXPECT_LT(outage->duration, bound) << what;
    measured("outage, " + what + " (ms)", std::to_string(outage->duration.count()));
  }
  /// Both kinds of client are at London, then `fail` is called, and both are awaited elsewhere.
  void fail_both(const std::string& what, const std::function<void()>& fail) {
    connect();
    const Watch sstp("client-london", {"watch-sstp"});
    const Watch tunnel("client-london", {"watch-tunnel"});
    ASSERT_TRUE(sstp.wait_for(kLondon));
    ASSERT_TRUE(tunnel.wait_for("london"));
    fail();
    expect_move(sstp, "SSTP, " + what, kNewYork, kSstpBound);
    expect_move(tunnel, "IKEv2, " + what, "newyork", kIkeBound);
  }
  void fail_sstp(const std::string& what, const std::function<void()>& fail) {
    const Watch sstp("client-london", {"watch-sstp"});
    ASSERT_TRUE(sstp.wait_for(kLondon));
    fail();
    expect_move(sstp, "SSTP, " + what, kNewYork, kSstpBound);
  }

  // Two probes of 2 s and 1 s that time out after 1 s, the TTL of 5 s, and the client's own retry.
  static constexpr std::chrono::seconds kSstpBound{15};
  // Besides, it takes the client up to 5.75 s to find out, and as long where DNS still says London.
  static constexpr std::chrono::seconds kIkeBound{30};
};

TEST_F(Client, AnIkeClientReachesTheNetworkOfTheSiteItWasGiven) {
  connect();
  EXPECT_EQ(estate_.run("client-london", {"curl", "-s", "-m", "5", "http://198.19.0.80/"}),
            "london\n");
  EXPECT_THAT(estate_.run("client-london", {"swanctl", "--list-sas"}),
              testing::HasSubstr("'vpn.example.com' @ 198.18.1.10"));
}

TEST_F(Client, MovesWhenServersAreKilled) {
  fail_both("servers killed", [&] {
    estate_.docker({"kill", estate_.id("london-sstp"), estate_.id("london-ike")});
  });
}

TEST_F(Client, MovesWhenServersHang) {
  fail_both("servers hang", [&] {
    estate_.docker({"pause", estate_.id("london-sstp")});
    estate_.docker({"pause", estate_.id("london-ike")});
  });
}

TEST_F(Client, MovesWhenTheLineIsCut) {
  fail_both("line cut", [&] { estate_.add_fault("london", "drop"); });
}

TEST_F(Client, MovesWhenSstpIsNotRegistered) {
  fail_sstp("404", [&] { estate_.run("london-sstp", {"touch", "/tmp/unregistered"}); });
}

TEST_F(Client, MovesWhenTheCertificateExpires) {
  fail_sstp("certificate expired", [&] { estate_.show_certificate("london", "expired"); });
}

TEST_F(Client, MovesWhenTheIkeServerSaysGoodbye) {
  connect();
  const Watch tunnel("client-london", {"watch-tunnel"});
  ASSERT_TRUE(tunnel.wait_for("london"));
  estate_.docker({"stop", estate_.id("london-ike")});
  expect_move(tunnel, "IKEv2, server stopped", "newyork", kIkeBound);
}

}  // namespace
}  // namespace gslb::docker
