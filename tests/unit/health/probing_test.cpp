// How HealthMonitor paces, shares, bounds and remembers its checks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/health/monitor_fixture.h"

namespace gslb::health {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using ProbingTest = HealthMonitorTest;

MonitorSpec named(const char* name, MonitorSpec monitor = sstp()) {
  monitor.name = name;
  return monitor;
}

MonitorSpec other(const char* name) {
  MonitorSpec monitor = named(name);
  monitor.protocol = Protocol::kTcp;
  monitor.port = 3389;
  return monitor;
}

// Combinations.

TEST_F(ProbingTest, AnyMonitorKeepsAnEndpointOnline) {
  TargetSpec spec = target("london", {kFirst}, {named("a"), other("b")});
  spec.required = 1;
  monitor_.apply({spec});
  clock_.advance(100ms);
  ASSERT_EQ(prober_.running(), 2U);
  prober_.finish(prober_.probes()[0], true);
  EXPECT_EQ(status("london"), kOnline);
  prober_.finish(prober_.probes()[1], false, "refused");
  for (int i = 0; i < 3; ++i) {
    clock_.advance(10s);
    for (const auto& probe : std::vector(prober_.probes())) {
      if (probe->is_running()) prober_.finish(probe, probe->monitor->name == "a", "refused");
    }
  }
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_THAT(monitor_.report("london").reason, HasSubstr("monitor b at 127.0.1.1:3389: refused"));
  const auto checks = monitor_.checks("london");
  ASSERT_EQ(checks.size(), 2U);
  EXPECT_EQ(checks[0].status, kOnline);
  EXPECT_EQ(checks[1].status, kDegraded);
  for (int i = 0; i < 3; ++i) round(false);
  EXPECT_EQ(status("london"), kDegraded);
}

TEST_F(ProbingTest, AtLeastHoldsForEachAddress) {
  TargetSpec spec = target("london", {kFirst, kV6}, {named("a"), other("b")});
  spec.required = 1;
  monitor_.apply({spec});
  for (int i = 0; i < 3; ++i) {
    clock_.advance(10s);
    prober_.finish_running(false, "no", kV6);
    prober_.finish_running(true);
  }
  EXPECT_EQ(monitor_.report("london").ipv4, kOnline);
  EXPECT_EQ(monitor_.report("london").ipv6, kDegraded);
}

// Sharing.

TEST_F(ProbingTest, WhatIsAskedTwiceIsSentOnce) {
  monitor_.apply(
      {target("london", {kFirst}, {named("a")}), target("backup", {kFirst}, {named("b")})});
  clock_.advance(10ms);
  EXPECT_EQ(prober_.count(), 1U);
  prober_.finish_running(true);
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_EQ(status("backup"), kOnline);
  EXPECT_EQ(events_.size(), 2U);
  for (int i = 0; i < 2; ++i) round(false, "no");
  EXPECT_THAT(monitor_.report("backup").reason, HasSubstr("monitor b at"));
  EXPECT_THAT(monitor_.report("london").reason, HasSubstr("monitor a at"));
}

TEST_F(ProbingTest, ANewEndpointSharesWhatIsKnown) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  monitor_.apply({target("backup", {kFirst}), target("london", {kFirst})});
  EXPECT_EQ(status("backup"), kOnline);
  EXPECT_EQ(status("london"), kOnline);
}

TEST_F(ProbingTest, WhoPartsKeepsWhatIsKnown) {
  monitor_.apply({target("london", {kFirst}), target("backup", {kFirst})});
  round(true);
  auto patient = sstp();
  patient.tolerated_failures = 9;
  monitor_.apply({target("london", {kFirst}), target("backup", {kFirst}, {patient})});
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_EQ(status("backup"), kOnline);
  for (int i = 0; i < 3; ++i) round(false);
  EXPECT_EQ(status("london"), kDegraded);
  EXPECT_EQ(status("backup"), kOnline);
}

TEST_F(ProbingTest, TheLastToAskEndsIt) {
  monitor_.apply({target("london", {kFirst}), target("backup", {kFirst})});
  clock_.advance(10ms);
  monitor_.apply({target("backup", {kFirst})});
  EXPECT_EQ(prober_.running(), 1U);
  monitor_.apply({});
  EXPECT_EQ(prober_.running(), 0U);
}

// Pace.

TEST_F(ProbingTest, AChangeThatIsPendingIsProbedFaster) {
  ProbingSpec probing;
  probing.edge_interval = 2s;
  monitor_.apply({target("london", {kFirst})}, probing);
  round(true);
  clock_.advance(10s);
  prober_.finish_running(false);
  EXPECT_EQ(events_.back().report.degraded_in, 2s);
  clock_.advance(2s);
  ASSERT_EQ(prober_.running(), 1U);
  prober_.finish_running(false);
  EXPECT_EQ(status("london"), kDegraded);
  clock_.advance(7s);
  EXPECT_EQ(prober_.running(), 0U) << "nothing is pending while it stays Degraded";
}

TEST_F(ProbingTest, ProbesInAllAreCapped) {
  std::vector<TargetSpec> targets;
  for (int i = 0; i < 100; ++i) {
    targets.push_back(target("site" + std::to_string(i),
                             {IpAddress::v4({127, 1, 0, static_cast<std::uint8_t>(i)})}));
  }
  ProbingSpec probing;
  probing.max_probes_per_second = 50;
  monitor_.apply(targets, probing);  // All are due at once: the random number is 0.
  clock_.advance(0ms);
  EXPECT_EQ(prober_.count(), 5U) << "a tenth of a second's worth";
  clock_.advance(1s);
  EXPECT_NEAR(static_cast<double>(prober_.count()), 55, 1);
  clock_.advance(1s);
  EXPECT_EQ(prober_.count(), 100U);
  EXPECT_GE(monitor_.stats().capped, 90U);
}

TEST_F(ProbingTest, MoreProbesThanTheCapAllowsAreTold) {
  std::vector<TargetSpec> targets;
  for (int i = 0; i < 200; ++i) {
    targets.push_back(target("site" + std::to_string(i),
                             {IpAddress::v4({127, 1, 0, static_cast<std::uint8_t>(i)})}));
  }
  ProbingSpec probing;
  probing.max_probes_per_second = 10;
  monitor_.apply(targets, probing);
  EXPECT_THAT(monitor_.faults(), IsEmpty());
  for (int i = 0; i < 200; ++i) {
    clock_.advance(100ms);
    prober_.finish_running(true);
  }
  ASSERT_EQ(monitor_.faults().size(), 1U);
  EXPECT_THAT(monitor_.faults()[0], testing::MatchesRegex("probes start [0-9]+ s late: .*"));
}

TEST_F(ProbingTest, ProbesToOneAddressAreCapped) {
  std::vector<MonitorSpec> monitors;
  for (int i = 0; i < 10; ++i) {
    monitors.push_back(other(("m" + std::to_string(i)).c_str()));
    monitors.back().port = static_cast<std::uint16_t>(1000 + i);
  }
  ProbingSpec probing;
  probing.max_probes_per_target = 2;
  monitor_.apply({target("london", {kFirst}, monitors), target("paris", {kSecond})}, probing);
  clock_.advance(0ms);
  EXPECT_EQ(prober_.count(), 2U) << "one to each address";
  clock_.advance(1s);
  EXPECT_EQ(prober_.count(), 4U);
}

TEST_F(ProbingTest, TheWholeLadderIsClimbedFromTimeToTime) {
  MonitorSpec monitor = sstp();
  monitor.protocol = Protocol::kSstp;
  monitor.sstp_level = SstpLevel::kCall;
  monitor.deep_interval = 30s;
  monitor_.apply({target("london", {kFirst}, {monitor})});
  std::vector<SstpLevel> levels;
  for (int i = 0; i < 5; ++i) {
    clock_.advance(10s);
    levels.push_back(prober_.probes().back()->monitor->sstp_level);
    prober_.finish_running(true);
  }
  EXPECT_THAT(levels, ElementsAre(SstpLevel::kCall, SstpLevel::kTls, SstpLevel::kTls,
                                  SstpLevel::kCall, SstpLevel::kTls));
  round(true);
  clock_.advance(10s);
  ASSERT_EQ(prober_.probes().back()->monitor->sstp_level, SstpLevel::kCall);
  for (int i = 0; i < 4; ++i) {
    prober_.finish_running(false, "no free port");
    clock_.advance(10s);
    EXPECT_EQ(prober_.probes().back()->monitor->sstp_level, SstpLevel::kCall)
        << "what failed is asked again";
  }
  EXPECT_EQ(status("london"), kDegraded);
}

// What is not the site's fault.

TEST_F(ProbingTest, ALocalFaultSaysNothingAboutTheSite) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  for (int i = 0; i < 5; ++i) {
    clock_.advance(10s);
    prober_.finish_locally(prober_.probes().back(), "too many open files");
  }
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_THAT(monitor_.report("london").warnings,
              ElementsAre("monitor sstp at 127.0.1.1:443: cannot be probed: too many open files"));
  EXPECT_THAT(monitor_.faults(), ElementsAre("1 check cannot be run: too many open files"));
  EXPECT_EQ(monitor_.stats().local_faults, 5U);
  round(true);
  EXPECT_THAT(monitor_.report("london").warnings, IsEmpty());
  EXPECT_THAT(monitor_.faults(), IsEmpty());
}

TEST_F(ProbingTest, AProbeThatNeverEndsIsGivenUpAndTriedAgain) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(14s);
  EXPECT_EQ(prober_.count(), 1U);
  clock_.advance(1s);
  EXPECT_EQ(prober_.count(), 2U);
  EXPECT_TRUE(prober_.probes()[0]->cancelled);
  EXPECT_EQ(status("london"), kChecking);
  EXPECT_EQ(monitor_.stats().hung, 1U);
  prober_.finish_running(true);
  EXPECT_EQ(status("london"), kOnline);
}

// Flapping.

TEST_F(ProbingTest, ARecoveredSiteIsHeldBackForTheFailbackDelay) {
  TargetSpec spec = target("london", {kFirst});
  spec.failback_delay = 2min;
  monitor_.apply({spec});
  round(true);
  EXPECT_EQ(status("london"), kOnline) << "the first verdict is no recovery";
  for (int i = 0; i < 2; ++i) round(false);
  ASSERT_EQ(status("london"), kDegraded);
  round(true);
  EXPECT_EQ(status("london"), kDegraded);
  EXPECT_EQ(monitor_.report("london").ipv4, kDegraded);
  EXPECT_THAT(monitor_.report("london").reason,
              HasSubstr("healthy again, held back by failback_delay = \"120s\" until 20"));
  for (int i = 0; i < 11; ++i) round(true);
  EXPECT_EQ(status("london"), kDegraded);
  events_.clear();
  clock_.advance(10s);
  ASSERT_EQ(events_.size(), 1U) << "released by a timer, not by the next probe";
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_EQ(monitor_.report("london").reason, "");
}

TEST_F(ProbingTest, AFailureInBetweenBeginsTheDelayAgain) {
  TargetSpec spec = target("london", {kFirst});
  spec.failback_delay = 30s;
  monitor_.apply({spec});
  round(true);
  for (int i = 0; i < 2; ++i) round(false);
  round(true);
  for (int i = 0; i < 2; ++i) round(false);
  round(true);
  for (int i = 0; i < 2; ++i) round(true);
  EXPECT_EQ(status("london"), kDegraded);
  round(true);
  EXPECT_EQ(status("london"), kOnline);
}

// Memory.

TEST_F(ProbingTest, WhatIsRememberedIsWhereItStarts) {
  monitor_.apply({target("london", {kFirst}), target("paris", {kSecond})});
  round(true);
  for (int i = 0; i < 2; ++i) {
    clock_.advance(10s);
    prober_.finish_running(false, "expected status 401, got 503", kFirst);
    prober_.finish_running(true);
  }
  const auto memory = monitor_.memory();
  ASSERT_EQ(memory.size(), 2U);

  HealthMonitor next(clock_, random_, prober_, {});
  next.remember(memory);
  next.apply({target("london", {kFirst}), target("paris", {kSecond}), target("rome", {kV6})});
  EXPECT_EQ(next.report("london").status, kDegraded);
  EXPECT_THAT(next.report("london").reason,
              HasSubstr("expected status 401, got 503 (Degraded since 2026-"));
  EXPECT_THAT(next.report("london").reason, HasSubstr("before a restart)"));
  EXPECT_EQ(next.report("paris").status, kOnline);
  EXPECT_EQ(next.report("rome").status, kChecking);
  EXPECT_TRUE(next.checks("paris")[0].is_remembered);
  EXPECT_EQ(next.memory().size(), 2U) << "what is remembered stays so until it is probed";
  clock_.advance(10ms);
  prober_.finish_running(true);
  EXPECT_FALSE(next.checks("paris")[0].is_remembered);
  EXPECT_EQ(next.report("london").status, kOnline);
}

// Certificates.

std::shared_ptr<CertificateReport> certificate(const char* fingerprint) {
  auto report = std::make_shared<CertificateReport>();
  report->fingerprint = fingerprint;
  return report;
}

TEST_F(ProbingTest, CertificatesThatDifferBetweenSitesAreAWarning) {
  MonitorSpec monitor = sstp();
  monitor.host = "vpn.example.com";
  monitor.certificate.policy = CertificatePolicy::kWarn;
  monitor_.apply({target("london", {kFirst}, {monitor}), target("paris", {kSecond}, {monitor})});
  const auto show = [&](const char* london, const char* paris) {
    clock_.advance(10s);
    for (const auto& probe : std::vector(prober_.probes())) {
      if (!probe->is_running()) continue;
      prober_.finish_with(probe, certificate(probe->address == kFirst ? london : paris));
    }
  };
  show("aa", "aa");
  show("aa", "aa");
  EXPECT_THAT(monitor_.report("london").warnings, IsEmpty());
  show("aa", "bb");
  show("aa", "bb");
  const std::string text =
      "the certificate of vpn.example.com is not the same at all sites: there are 2";
  EXPECT_THAT(monitor_.report("london").warnings,
              ElementsAre("monitor sstp at 127.0.1.1:443: " + text));
  EXPECT_THAT(monitor_.report("paris").warnings,
              ElementsAre("monitor sstp at 127.0.1.2:443: " + text));
  show("bb", "bb");
  show("bb", "bb");
  EXPECT_THAT(monitor_.report("london").warnings, IsEmpty());
  show("bb", "cc");
  monitor_.apply({target("london", {kFirst}, {monitor})});
  EXPECT_THAT(monitor_.report("london").warnings, IsEmpty()) << "the other site is gone";
}

// Isolation.

class IsolationTest : public HealthMonitorTest {
 protected:
  IsolationTest() {
    auto canary = std::make_shared<MonitorSpec>();
    canary->name = "tcp:192.0.2.1:443";
    canary->protocol = Protocol::kTcp;
    canary->timeout = 2s;
    probing_.canaries = {{kCanary, canary}};
    monitor_.set_isolation_listener([this] { ++changes_; });
    monitor_.apply({target("london", {kFirst}), target("paris", {kSecond})}, probing_);
    round(true);
  }

  bool is_isolated() const { return monitor_.isolation().isolated_since().has_value(); }
  /// Everything fails for 10 s, the canary every time it is asked.
  void lose() {
    for (int i = 0; i < 100; ++i) {
      clock_.advance(100ms);
      prober_.finish_running(false, "network unreachable");
    }
  }

  inline static const IpAddress kCanary = IpAddress::v4({192, 0, 2, 1});
  ProbingSpec probing_;
  int changes_ = 0;
};

TEST_F(IsolationTest, StatusesFreezeWhileEverythingFails) {
  for (int i = 0; i < 10; ++i) lose();
  EXPECT_TRUE(is_isolated());
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(monitor_.isolation().reason(), "tcp:192.0.2.1:443: network unreachable");
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_EQ(status("paris"), kOnline);
}

TEST_F(IsolationTest, OneSuccessEndsItAndOldFailuresDoNotCount) {
  for (int i = 0; i < 10; ++i) lose();
  clock_.advance(10s);
  prober_.finish_running(true, "", kSecond);
  EXPECT_FALSE(is_isolated());
  prober_.finish_running(false, "refused", kFirst);
  EXPECT_EQ(status("london"), kOnline) << "one failure is tolerated, and this is the first";
  clock_.advance(10s);
  prober_.finish_running(false, "refused", kFirst);
  prober_.finish_running(true);
  EXPECT_EQ(status("london"), kDegraded);
  EXPECT_EQ(changes_, 2);
}

TEST_F(IsolationTest, ACanaryThatAnswersLetsTheSitesGoDown) {
  clock_.advance(10s);
  prober_.finish_running(false, "refused");
  clock_.advance(10s);
  prober_.finish_running(false, "refused", kFirst);
  EXPECT_EQ(status("london"), kOnline) << "the canary is asked first";
  prober_.finish_running(true, "", kCanary);
  EXPECT_EQ(status("london"), kDegraded);
  prober_.finish_running(false, "refused", kSecond);
  EXPECT_EQ(status("paris"), kDegraded) << "the evidence holds for it too";
  EXPECT_FALSE(is_isolated());
}

TEST_F(IsolationTest, ACanaryThatComesBackEndsIt) {
  for (int i = 0; i < 3; ++i) lose();
  ASSERT_TRUE(is_isolated());
  clock_.advance(1s);
  prober_.finish_running(true, "", kCanary);
  EXPECT_FALSE(is_isolated());
  EXPECT_EQ(status("london"), kOnline);
}

TEST_F(IsolationTest, AnotherSiteThatWorksIsEvidenceEnough) {
  for (int i = 0; i < 2; ++i) {
    clock_.advance(10s);
    prober_.finish_running(true, "", kSecond);
    prober_.finish_running(false, "refused", kFirst);
  }
  // paris succeeded after london's first failure only in the second round.
  EXPECT_EQ(status("london"), kDegraded);
  for (const auto& probe : prober_.probes()) EXPECT_NE(probe->address, kCanary);
}

TEST_F(IsolationTest, WithoutCanariesNothingIsHeldBack) {
  monitor_.apply({target("london", {kFirst}), target("paris", {kSecond})});
  for (int i = 0; i < 2; ++i) round(false);
  EXPECT_EQ(status("london"), kDegraded);
  EXPECT_EQ(status("paris"), kDegraded);
}

}  // namespace
}  // namespace gslb::health
