#include "app/control_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dns/answer.h"
#include "dns/wire.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "tests/unit/health/fakes.h"

namespace gslb::app {
namespace {

using health::FakeClock;
using health::FakeProber;
using health::FakeRandom;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kVpn = "vpn.gslb.example.com";

constexpr const char* kHead = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
preset = "sstp"
interval = "10s"
timeout = "5s"
tolerated_failures = 1
[endpoint.london]
addresses = ["203.0.113.10"]
monitors = ["sstp"]
[endpoint.paris]
addresses = ["203.0.113.20", "2001:db8::20"]
monitors = ["sstp"]
)";

constexpr const char* kProfile = R"(
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
)";

class ControlPlaneTest : public testing::Test {
 protected:
  static std::shared_ptr<const Config> parse(const std::string& text) {
    ConfigResult result = parse_config(text, "test.toml", 7);
    EXPECT_NE(result.config, nullptr)
        << (result.diagnostics.empty() ? "" : result.diagnostics.front().to_string());
    return result.config;
  }

  void start(const std::string& text) {
    const auto config = parse(text);
    control_ = std::make_unique<ControlPlane>(clock_, random_, prober_, config,
                                              make_zones(*config, signing_time_));
    control_->start();
  }

  void apply(const std::string& text) {
    const auto config = parse(text);
    control_->apply(config, make_zones(*config, signing_time_));
  }

  /// Lets every running probe end: failing at `failing`, healthy elsewhere.
  void probe_all(const std::set<std::string>& failing) {
    clock_.advance(std::chrono::seconds(10));
    const auto probes = prober_.probes();
    for (const auto& probe : probes) {
      if (!probe->is_running()) continue;
      const bool bad = failing.count(base::to_string(probe->address)) > 0;
      FakeProber::finish(probe, !bad, bad ? "expected status 401, got 404" : "status 401");
    }
  }

  support::Message ask(const char* owner, std::uint16_t type) {
    std::vector<std::uint8_t> out(dns::kMaxMessageSize);
    const auto snapshot = control_->published().current();
    out.resize(dns::answer(*snapshot, {}, support::make_query(owner, type), out, scratch_));
    return support::parse_message(out).value_or(support::Message{});
  }

  FakeClock clock_;
  zones::SigningTime signing_time_{std::make_shared<zones::SignatureCache>(), {}};
  FakeRandom random_;
  FakeProber prober_{clock_};
  std::unique_ptr<ControlPlane> control_;
  dns::Scratch scratch_{1};
};

TEST_F(ControlPlaneTest, AnswersBeforeTheFirstProbe) {
  start(std::string(kHead) + kProfile);
  EXPECT_THAT(ask(kVpn, dns::type::kA).answer,
              ElementsAre("vpn.gslb.example.com. 30 IN A 203.0.113.10"));
}

TEST_F(ControlPlaneTest, TheDecidingProbeChangesTheAnswerBeforeItReturns) {
  start(std::string(kHead) + kProfile);
  probe_all({"203.0.113.10"});
  EXPECT_THAT(ask(kVpn, dns::type::kA).answer,
              ElementsAre("vpn.gslb.example.com. 10 IN A 203.0.113.10"))
      << "still tolerated, but not to be cached for longer than until the next probe";
  probe_all({"203.0.113.10"});
  EXPECT_THAT(ask(kVpn, dns::type::kA).answer,
              ElementsAre("vpn.gslb.example.com. 30 IN A 203.0.113.20"));
  probe_all({});
  EXPECT_THAT(ask(kVpn, dns::type::kA).answer,
              ElementsAre("vpn.gslb.example.com. 30 IN A 203.0.113.10"));
}

TEST_F(ControlPlaneTest, OneFamilyThatIsDownTakesOutOnlyItsAnswers) {
  start(std::string(kHead) + R"(
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
when_all_down = "nodata"
endpoints = [{ endpoint = "paris" }, { endpoint = "london" }]
)");
  probe_all({"2001:db8::20"});
  probe_all({"2001:db8::20"});
  EXPECT_THAT(ask(kVpn, dns::type::kA).answer,
              ElementsAre("vpn.gslb.example.com. 30 IN A 203.0.113.20"));
  EXPECT_THAT(ask(kVpn, dns::type::kAaaa).answer, IsEmpty());
}

TEST_F(ControlPlaneTest, HealthCarriesOverAReload) {
  start(std::string(kHead) + kProfile);
  probe_all({"203.0.113.10"});
  probe_all({"203.0.113.10"});
  apply(std::string(kHead) + R"(
[profile.other]
name = "other.gslb.example.com"
method = "priority"
ttl = "5s"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
)");
  EXPECT_EQ(ask(kVpn, dns::type::kA).rcode, "NXDOMAIN");
  EXPECT_THAT(ask("other.gslb.example.com", dns::type::kA).answer,
              ElementsAre("other.gslb.example.com. 5 IN A 203.0.113.20"));
}

TEST_F(ControlPlaneTest, ProbesOnlyWhereHealthMatters) {
  start(std::string(kHead) + R"(
[endpoint.off]
addresses = ["203.0.113.30"]
monitors = ["sstp"]
enabled = false
[endpoint.spare]
addresses = ["203.0.113.40"]
monitors = ["sstp"]
[endpoint.always]
addresses = ["203.0.113.50"]
monitors = ["sstp"]
[endpoint.plain]
addresses = ["203.0.113.60"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "off" }, { endpoint = "always", always_serve = true }, { endpoint = "plain" }]
)");
  clock_.advance(std::chrono::seconds(10));
  std::set<std::string> probed;
  for (const auto& probe : prober_.probes()) probed.insert(base::to_string(probe->address));
  EXPECT_THAT(probed, UnorderedElementsAre("203.0.113.10"));
}

TEST_F(ControlPlaneTest, AlwaysServeIsAskedPerProfile) {
  start(std::string(kHead) + R"(
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
[profile.pinned]
name = "pinned.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london", always_serve = true }, { endpoint = "paris" }]
)");
  probe_all({"203.0.113.10"});
  probe_all({"203.0.113.10"});
  EXPECT_THAT(ask(kVpn, dns::type::kA).answer,
              ElementsAre("vpn.gslb.example.com. 30 IN A 203.0.113.20"));
  EXPECT_EQ(ask("pinned.gslb.example.com", dns::type::kA).answer.at(0).substr(0, 23),
            "pinned.gslb.example.com");
  EXPECT_THAT(ask("pinned.gslb.example.com", dns::type::kA).answer.at(0),
              testing::HasSubstr("203.0.113.10"));
}

TEST_F(ControlPlaneTest, ProbesTheProbeAddressForBothFamilies) {
  start(R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
preset = "sstp"
tolerated_failures = 0
[endpoint.london]
addresses = ["203.0.113.10", "2001:db8::10"]
probe_address = "10.0.0.10"
monitors = ["sstp"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
when_all_down = "servfail"
endpoints = [{ endpoint = "london" }]
)");
  clock_.advance(std::chrono::seconds(1));
  ASSERT_EQ(prober_.count(), 1U);
  EXPECT_EQ(base::to_string(prober_.probes()[0]->address), "10.0.0.10");
  prober_.finish_running(false);
  EXPECT_EQ(ask(kVpn, dns::type::kA).rcode, "SERVFAIL");
  EXPECT_EQ(ask(kVpn, dns::type::kAaaa).rcode, "SERVFAIL");
}

}  // namespace
}  // namespace gslb::app
