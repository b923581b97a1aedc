#include "health/health_monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/health/monitor_fixture.h"

namespace gslb::health {
namespace {

using base::EndpointStatus;
using base::IpAddress;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

// Statuses and the listener.

TEST_F(HealthMonitorTest, StartsWithoutAVerdict) {
  monitor_.apply({target("london", {kFirst})});
  const auto report = monitor_.report("london");
  EXPECT_EQ(report.status, kChecking);
  EXPECT_EQ(report.ipv4, kChecking);
  EXPECT_EQ(report.ipv6, kUnmonitored) << "no check speaks for IPv6";
  EXPECT_EQ(report.reason, "");
  EXPECT_TRUE(events_.empty());
}

TEST_F(HealthMonitorTest, UnknownEndpointIsUnmonitored) {
  EXPECT_EQ(monitor_.report("atlantis"), EndpointReport{});
  EXPECT_EQ(monitor_.report("atlantis").status, kUnmonitored);
}

TEST_F(HealthMonitorTest, FirstSuccessIsReportedFromTheProbeThatDecides) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  ASSERT_EQ(prober_.running(), 1U);
  EXPECT_TRUE(events_.empty());
  prober_.finish_running(true);
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(events_[0].endpoint, "london");
  EXPECT_EQ(events_[0].report.status, kOnline);
  EXPECT_EQ(events_[0].report, monitor_.report("london"));
}

TEST_F(HealthMonitorTest, ListenerHearsOnlyChanges) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  for (int i = 0; i < 5; ++i) round(true);
  EXPECT_EQ(events_.size(), 1U);
  round(false);  // degraded_in appears
  round(false);  // Degraded
  for (int i = 0; i < 5; ++i) round(false, "another reason");
  EXPECT_EQ(events_.size(), 3U);
  EXPECT_THAT(monitor_.report("london").reason, HasSubstr("another reason"));
}

TEST_F(HealthMonitorTest, FailureBelowTheThresholdTellsHowNearTheChangeIs) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  round(false, "expected status 401, got 404");
  const auto& report = events_.back().report;
  EXPECT_EQ(report.status, kOnline);
  EXPECT_EQ(report.degraded_in, 10s);
  EXPECT_THAT(report.reason,
              HasSubstr("expected status 401, got 404 (1 consecutive failure since"));
  round(true);
  EXPECT_EQ(events_.back().report.degraded_in, std::nullopt);
  EXPECT_EQ(events_.back().report.reason, "");
}

TEST_F(HealthMonitorTest, ReasonNamesMonitorPlaceExpectationAndTime) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  prober_.finish_running(false, "expected status 401, got 404");
  round(false, "expected status 401, got 404");
  EXPECT_EQ(status("london"), kDegraded);
  EXPECT_EQ(monitor_.report("london").reason,
            "monitor sstp at 127.0.1.1:443: expected status 401, got 404 (2 consecutive failures "
            "since 2026-11-24T13:00:00Z)");
}

TEST_F(HealthMonitorTest, ReasonOfARecoveringSiteTellsTheProgress) {
  auto slow = sstp();
  slow.recoveries = 3;
  slow.tolerated_failures = 0;
  monitor_.apply({target("london", {kFirst}, {slow})});
  clock_.advance(0ms);
  prober_.finish_running(false, "connection refused");
  round(true);
  EXPECT_EQ(monitor_.report("london").reason,
            "monitor sstp at 127.0.1.1:443: connection refused (recovering, 1 of 3 successes; "
            "Degraded since 2026-11-24T13:00:00Z)");
}

TEST_F(HealthMonitorTest, ReasonPrefersTheDegradedCheckAndCountsTheRest) {
  auto strict = sstp();
  strict.name = "strict";
  strict.port = 8443;
  strict.tolerated_failures = 0;
  monitor_.apply({target("london", {kFirst}, {sstp(), strict})});
  round(false);
  EXPECT_THAT(monitor_.report("london").reason,
              testing::StartsWith("monitor strict at 127.0.1.1:8443: "));
  EXPECT_THAT(monitor_.report("london").reason, testing::EndsWith("; and 1 more failing"));
}

TEST_F(HealthMonitorTest, EveryCheckMustPass) {
  monitor_.apply({target("london", {kFirst, kSecond})});
  clock_.advance(10ms);
  prober_.finish_running(true, "", kFirst);
  EXPECT_EQ(status("london"), kChecking) << "one verdict is missing";
  prober_.finish_running(true, "", kSecond);
  EXPECT_EQ(status("london"), kOnline);
  for (int i = 0; i < 2; ++i) {
    clock_.advance(10s);
    prober_.finish_running(true, "", kFirst);
    prober_.finish_running(false, "no", kSecond);
  }
  EXPECT_EQ(status("london"), kDegraded);
  EXPECT_EQ(monitor_.report("london").ipv4, kDegraded);
}

TEST_F(HealthMonitorTest, OneFamilyDownLeavesTheOther) {
  monitor_.apply({target("london", {kFirst, kV6})});
  round(true);
  for (int i = 0; i < 2; ++i) {
    clock_.advance(10s);
    prober_.finish_running(true, "", kFirst);
    prober_.finish_running(false, "no", kV6);
  }
  const auto report = monitor_.report("london");
  EXPECT_EQ(report.status, kDegraded);
  EXPECT_EQ(report.ipv4, kOnline);
  EXPECT_EQ(report.ipv6, kDegraded);
}

TEST_F(HealthMonitorTest, ProbeAddressSpeaksForBothFamilies) {
  auto spec = target("london", {kFirst});
  spec.speaks_for_both_families = true;
  monitor_.apply({spec});
  round(false);
  round(false);
  EXPECT_EQ(monitor_.report("london").ipv4, kDegraded);
  EXPECT_EQ(monitor_.report("london").ipv6, kDegraded);
}

TEST_F(HealthMonitorTest, NearestChangeOfSeveralChecksCounts) {
  auto tolerant = sstp();
  tolerant.name = "tolerant";
  tolerant.port = 8443;
  tolerant.tolerated_failures = 3;
  monitor_.apply({target("london", {kFirst}, {tolerant, sstp()})});
  round(false);
  EXPECT_EQ(monitor_.report("london").degraded_in, 10s);
}

// Scheduling.

TEST_F(HealthMonitorTest, FirstProbesSpreadOverTenMillisecondsEach) {
  random_ = FakeRandom({0.0, 0.5, 0.999});
  monitor_.apply({target("a", {kFirst}), target("b", {kSecond}), target("c", {kV6})});
  clock_.advance(30ms);
  ASSERT_EQ(prober_.count(), 3U);
  EXPECT_EQ(prober_.probes()[0]->started, 0ms);
  EXPECT_EQ(prober_.probes()[1]->started, 15ms);
  EXPECT_EQ(prober_.probes()[2]->started, 29ms);
}

TEST_F(HealthMonitorTest, FirstProbesOfManyChecksStayWithinTheInterval) {
  random_ = FakeRandom({0.999});
  auto hasty = sstp();
  hasty.interval = 1s;
  std::vector<TargetSpec> targets;
  for (int i = 0; i < 500; ++i) {
    const auto low = static_cast<std::uint8_t>(i % 250);
    const auto high = static_cast<std::uint8_t>(i / 250);
    targets.push_back(
        target("site" + std::to_string(i), {IpAddress::v4({127, 1, high, low})}, {hasty}));
  }
  monitor_.apply(targets, ProbingSpec{.max_probes_per_second = 0, .canaries = {}});
  clock_.advance(998ms);
  EXPECT_EQ(prober_.count(), 0U);
  clock_.advance(2ms);
  EXPECT_EQ(prober_.count(), 500U);
}

TEST_F(HealthMonitorTest, JitterOnlyShortensTheInterval) {
  random_ = FakeRandom({0.0, 0.0, 0.5, 0.999});
  monitor_.apply({target("london", {kFirst})});
  for (int i = 0; i < 4; ++i) {
    while (prober_.running() == 0) clock_.advance(1ms);
    prober_.finish_running(true);
  }
  ASSERT_EQ(prober_.count(), 4U);
  EXPECT_EQ(prober_.probes()[1]->started, 10'000ms);
  EXPECT_EQ(prober_.probes()[2]->started, 19'500ms);
  EXPECT_EQ(prober_.probes()[3]->started, 28'501ms);
}

TEST_F(HealthMonitorTest, IntervalCountsFromTheStartOfTheProbe) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(4s);  // The first probe takes that long.
  prober_.finish_running(true);
  clock_.advance(5999ms);
  EXPECT_EQ(prober_.count(), 1U);
  clock_.advance(1ms);
  EXPECT_EQ(prober_.count(), 2U);
}

TEST_F(HealthMonitorTest, ProbesOfACheckNeverOverlap) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(14s);  // The prober is silent.
  EXPECT_EQ(prober_.count(), 1U);
  prober_.finish_running(true);
  clock_.advance(0ms);
  EXPECT_EQ(prober_.count(), 2U) << "the next one was overdue";
}

TEST_F(HealthMonitorTest, DetectionIsBoundedByIntervalsAndTimeout) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  prober_.finish_running(true);
  const auto died = clock_.elapsed();  // Right after a success: the worst moment.
  while (status("london") != kDegraded) {
    while (prober_.running() == 0) clock_.advance(1ms);
    clock_.advance(5s);
    prober_.finish_running(false, "timed out");
  }
  EXPECT_LE(clock_.elapsed() - died, 10s * (1 + 1) + 5s);
}

// Reconfiguration.

TEST_F(HealthMonitorTest, UnchangedChecksCarryOn) {
  monitor_.apply({target("london", {kFirst}), target("paris", {kSecond})});
  round(true);
  round(false);
  const auto before = monitor_.report("london");
  monitor_.apply({target("london", {kFirst})});  // Another MonitorSpec object, same contents.
  EXPECT_EQ(monitor_.report("london"), before);
  EXPECT_EQ(monitor_.report("paris").status, kUnmonitored);
  EXPECT_EQ(clock_.timers(), 1U) << "paris is no longer probed";
  round(false);
  EXPECT_EQ(status("london"), kDegraded) << "the failure before the reload still counts";
}

TEST_F(HealthMonitorTest, ReloadDoesNotMoveTheNextProbe) {
  random_ = FakeRandom({0.0, 0.0, 0.9});  // A fresh roll would be 9.1 s.
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  prober_.finish_running(true);
  clock_.advance(5s);
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(4999ms);
  EXPECT_EQ(prober_.count(), 1U);
  clock_.advance(1ms);
  EXPECT_EQ(prober_.count(), 2U);
}

TEST_F(HealthMonitorTest, RunningProbeSurvivesAReload) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  monitor_.apply({target("london", {kFirst})});
  ASSERT_EQ(prober_.running(), 1U);
  prober_.finish_running(true);
  EXPECT_EQ(status("london"), kOnline);
}

struct EditCase {
  const char* name;
  void (*edit)(MonitorSpec&);
  EndpointStatus expected;
};

void PrintTo(const EditCase& row, std::ostream* out) { *out << row.name; }

class HealthMonitorEdit : public HealthMonitorTest, public testing::WithParamInterface<EditCase> {};

TEST_P(HealthMonitorEdit, KeepsTheStatusWhenTheSameIsProbed) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  auto edited = sstp();
  GetParam().edit(edited);
  monitor_.apply({target("london", {kFirst}, {edited})});
  EXPECT_EQ(status("london"), GetParam().expected);
  round(true);
  EXPECT_EQ(*prober_.probes().back()->monitor, edited) << "the new configuration is probed";
}

INSTANTIATE_TEST_SUITE_P(
    Table, HealthMonitorEdit,
    testing::Values(
        EditCase{"Interval", [](MonitorSpec& m) { m.interval = 7s; }, kOnline},
        EditCase{"Timeout", [](MonitorSpec& m) { m.timeout = 1s; }, kOnline},
        EditCase{"ToleratedFailures", [](MonitorSpec& m) { m.tolerated_failures = 9; }, kOnline},
        EditCase{"Recoveries", [](MonitorSpec& m) { m.recoveries = 9; }, kOnline},
        EditCase{"Name", [](MonitorSpec& m) { m.name = "renamed"; }, kOnline},
        EditCase{"Protocol", [](MonitorSpec& m) { m.protocol = Protocol::kTcp; }, kChecking},
        EditCase{"Port", [](MonitorSpec& m) { m.port = 8443; }, kChecking},
        EditCase{"Host", [](MonitorSpec& m) { m.host = "other.example.com"; }, kChecking},
        EditCase{"Path", [](MonitorSpec& m) { m.path = "/other"; }, kChecking},
        EditCase{"Method", [](MonitorSpec& m) { m.method = HttpMethod::kHead; }, kChecking},
        EditCase{"Status",
                 [](MonitorSpec& m) {
                   m.expected_status = {{200, 299}};
                 },
                 kChecking},
        EditCase{"Headers",
                 [](MonitorSpec& m) {
                   m.headers = {{"X-Probe", "1"}};
                 },
                 kChecking},
        EditCase{"Body", [](MonitorSpec& m) { m.expect_body = "fine"; }, kChecking}),
    [](const auto& test) { return test.param.name; });

TEST_F(HealthMonitorTest, ShorterIntervalTakesEffectAtOnce) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  prober_.finish_running(true);
  clock_.advance(3s);
  auto hasty = sstp();
  hasty.interval = 2s;
  hasty.timeout = 1s;
  monitor_.apply({target("london", {kFirst}, {hasty})});
  clock_.advance(0ms);
  EXPECT_EQ(prober_.count(), 2U) << "it is overdue by the new interval";
}

TEST_F(HealthMonitorTest, MonitorsThatProbeTheSameDoNotSwapCounters) {
  auto tolerant = sstp();
  tolerant.name = "tolerant";
  tolerant.tolerated_failures = 9;
  monitor_.apply({target("london", {kFirst}, {sstp(), tolerant})});
  round(false);
  round(false);
  monitor_.apply({target("london", {kFirst}, {tolerant, sstp()})});
  EXPECT_THAT(monitor_.report("london").reason, testing::StartsWith("monitor sstp at "));
  monitor_.apply({target("london", {kFirst}, {tolerant})});
  EXPECT_EQ(status("london"), kChecking) << "the Degraded check is gone";
}

TEST_F(HealthMonitorTest, ChangedAddressStartsAnew) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  monitor_.apply({target("london", {kSecond})});
  EXPECT_EQ(status("london"), kChecking);
  EXPECT_EQ(clock_.timers(), 1U);
}

TEST_F(HealthMonitorTest, RemovedCheckCancelsItsProbe) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  monitor_.apply({});
  EXPECT_TRUE(prober_.probes()[0]->cancelled);
  EXPECT_EQ(clock_.timers(), 0U);
}

TEST_F(HealthMonitorTest, LateResultOfARemovedCheckIsHarmless) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  monitor_.apply({target("london", {kSecond})});
  FakeProber::finish(prober_.probes()[0], false, "too late");
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(status("london"), kChecking);
  EXPECT_EQ(clock_.timers(), 1U) << "only the new check";
}

TEST_F(HealthMonitorTest, LateResultAfterStopIsHarmless) {
  monitor_.apply({target("london", {kFirst})});
  clock_.advance(0ms);
  monitor_.stop();
  FakeProber::finish(prober_.probes()[0], true);
  EXPECT_EQ(clock_.timers(), 0U);
  EXPECT_TRUE(events_.empty());
}

TEST(HealthMonitorLifetime, LateResultAfterDestructionIsHarmless) {
  FakeClock clock;
  FakeRandom random;
  FakeProber prober(clock);
  {
    HealthMonitor monitor(clock, random, prober, nullptr);
    monitor.apply({target("london", {kFirst})});
    clock.advance(0ms);
  }
  ASSERT_EQ(prober.count(), 1U);
  EXPECT_TRUE(prober.probes()[0]->cancelled);
  FakeProber::finish(prober.probes()[0], true);
  clock.advance(60s);
  EXPECT_EQ(prober.count(), 1U);
}

TEST_F(HealthMonitorTest, StopEndsProbesAndKeepsReports) {
  monitor_.apply({target("london", {kFirst})});
  round(true);
  clock_.advance(10s);
  monitor_.stop();
  EXPECT_EQ(prober_.running(), 0U);
  EXPECT_EQ(clock_.timers(), 0U);
  EXPECT_EQ(status("london"), kOnline);
  monitor_.apply({target("london", {kFirst})});
  EXPECT_EQ(status("london"), kOnline);
  clock_.advance(10ms);
  EXPECT_EQ(prober_.running(), 1U) << "apply() starts again";
}

// Re-entrancy.

TEST_F(HealthMonitorTest, ListenerMayRemoveTheEndpointItHearsOf) {
  monitor_.apply({target("london", {kFirst})});
  then_ = [this] { monitor_.apply({}); };
  round(true);
  EXPECT_EQ(events_.size(), 1U);
  EXPECT_EQ(status("london"), kUnmonitored);
  EXPECT_EQ(clock_.timers(), 0U);
}

TEST_F(HealthMonitorTest, ListenerMayReplaceEverything) {
  monitor_.apply({target("london", {kFirst, kSecond}), target("paris", {kSecond})});
  then_ = [this] { monitor_.apply({target("london", {kFirst}), target("rome", {kSecond})}); };
  clock_.advance(30ms);
  prober_.finish_running(false);
  round(true);
  EXPECT_EQ(status("london"), kOnline);
  EXPECT_EQ(status("rome"), kOnline);
  EXPECT_EQ(status("paris"), kUnmonitored);
}

TEST_F(HealthMonitorTest, ListenerMayStop) {
  monitor_.apply({target("london", {kFirst})});
  then_ = [this] { monitor_.stop(); };
  round(true);
  EXPECT_EQ(clock_.timers(), 0U);
  EXPECT_EQ(status("london"), kOnline);
}

}  // namespace
}  // namespace gslb::health
