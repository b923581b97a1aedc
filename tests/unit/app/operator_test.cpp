// What operators order, what is remembered, and who is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/control_plane.h"
#include "app/event.h"
#include "app/gslbctl_health.h"
#include "app/health_api.h"
#include "app/health_memory.h"
#include "app/metrics.h"
#include "app/notifier.h"
#include "app/override.h"
#include "app/state_store.h"
#include "routing/judge.h"
#include "tests/support/process.h"
#include "tests/unit/health/fakes.h"
#include "tests/unit/health/wait.h"

namespace gslb::app {
namespace {

using base::EndpointStatus;
using health::FakeClock;
using health::FakeProber;
using health::FakeRandom;
using health::run_until;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr const char* kConfig = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
preset = "sstp"
interval = "10s"
timeout = "5s"
tolerated_failures = 1
[monitor.ping]
protocol = "icmp"
[endpoint.london]
addresses = ["203.0.113.10"]
monitors = ["sstp"]
ramp_up = "100s"
[endpoint.paris]
addresses = ["203.0.113.20"]
monitors = ["sstp"]
[endpoint.rome]
addresses = ["203.0.113.30"]
monitors = ["sstp"]
enabled = false
[profile.vpn]
name = "vpn.gslb.example.com"
method = "weighted"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }, { endpoint = "rome" }]
)";

class OperatorTest : public testing::Test {
 protected:
  OperatorTest() {
    const ConfigResult result = parse_config(kConfig, "test.toml", 7);
    config_ = result.config;
    restart({}, {});
  }

  void restart(Overrides overrides, std::vector<health::RememberedCheck> memory) {
    control_ = std::make_unique<ControlPlane>(clock_, random_, prober_, config_,
                                              make_zones(*config_, signing_time_));
    control_->restore(std::move(overrides), std::move(memory));
    control_->set_event_sink(
        [this](const Event& event) { events_.push_back(to_json(event, clock_.wall_now())); });
    control_->start();
  }

  void probe_all(bool success, std::optional<base::IpAddress> address = std::nullopt) {
    clock_.advance(10s);
    prober_.finish_running(success, success ? "status 401" : "got 404", address);
    prober_.finish_running(true, "status 401");
  }

  void order(const char* endpoint, Override::Kind kind,
             std::optional<std::chrono::seconds> duration = std::nullopt, const char* reason = "") {
    ASSERT_TRUE(control_->set_override(endpoint, kind, duration, reason));
  }

  EndpointStatusReport report(std::size_t id) { return control_->status_report().endpoints.at(id); }

  /// By which share clients are sent to each endpoint, as routing sees it.
  routing::Verdict verdict(std::size_t entry) {
    const routing::RoutingState state = control_->routing_state();
    return routing::Judge(state).verdicts(0, routing::Family::kIpv4).at(entry);
  }

  static inline const base::IpAddress kLondon = base::IpAddress::v4({203, 0, 113, 10});
  FakeClock clock_;
  zones::SigningTime signing_time_{std::make_shared<zones::SignatureCache>(), {}};
  FakeRandom random_;
  FakeProber prober_{clock_};
  std::shared_ptr<const Config> config_;
  std::vector<std::string> events_;
  std::unique_ptr<ControlPlane> control_;
};

TEST_F(OperatorTest, DisabledIsOutAndNotProbed) {
  probe_all(true);
  order("london", Override::Kind::kDisable, std::nullopt, "flooded");
  EXPECT_EQ(verdict(0), routing::Verdict::kEndpointDisabled);
  EXPECT_EQ(report(0).status, EndpointStatus::kDisabled);
  EXPECT_EQ(report(0).reason, "disabled by the operator: flooded");
  EXPECT_EQ(control_->status_report().profiles.at(0).entries.at(0).reason,
            "disabled by the operator: flooded");
  EXPECT_THAT(report(0).checks, IsEmpty());
  order("london", Override::Kind::kEnable);
  EXPECT_THAT(control_->overrides(), IsEmpty());
  EXPECT_EQ(report(0).status, EndpointStatus::kCheckingEndpoint);
}

TEST_F(OperatorTest, DrainedTakesClientsOnlyWhileNothingElseIsLeft) {
  probe_all(true);
  order("london", Override::Kind::kDrain);
  EXPECT_EQ(verdict(0), routing::Verdict::kDrained);
  EXPECT_EQ(verdict(1), routing::Verdict::kAvailable);
  EXPECT_EQ(report(0).status, EndpointStatus::kOnline);
  EXPECT_EQ(report(0).checks.size(), 1U) << "still probed";
  EXPECT_EQ(report(0).reason, "drained by the operator");
}

TEST_F(OperatorTest, EnableStandsAboveTheConfiguration) {
  EXPECT_EQ(report(2).status, EndpointStatus::kDisabled);
  order("rome", Override::Kind::kEnable, 60s);
  EXPECT_EQ(report(2).status, EndpointStatus::kCheckingEndpoint);
  clock_.advance(60s);
  EXPECT_EQ(report(2).status, EndpointStatus::kDisabled);
  EXPECT_EQ(report(2).reason, "disabled by configuration");
}

TEST_F(OperatorTest, WhatIsOrderedForATimeEndsByItself) {
  probe_all(true);
  order("london", Override::Kind::kDrain, 120s);
  order("paris", Override::Kind::kDisable, 30s);
  clock_.advance(29s);
  EXPECT_EQ(report(1).status, EndpointStatus::kDisabled);
  clock_.advance(1s);
  EXPECT_EQ(report(1).status, EndpointStatus::kCheckingEndpoint);
  EXPECT_EQ(verdict(0), routing::Verdict::kDrained);
  clock_.advance(90s);
  EXPECT_EQ(verdict(0), routing::Verdict::kAvailable);
  EXPECT_THAT(control_->overrides(), IsEmpty());
}

TEST_F(OperatorTest, ANewOrderReplacesTheOldOneAndItsEnd) {
  order("london", Override::Kind::kDisable, 10s);
  order("london", Override::Kind::kDrain);
  clock_.advance(60s);
  EXPECT_EQ(verdict(0), routing::Verdict::kDrained);
}

TEST_F(OperatorTest, UnknownEndpointsAreRefused) {
  EXPECT_EQ(control_->set_override("mars", Override::Kind::kDisable, {}, "").error(),
            "there is no endpoint mars");
}

TEST_F(OperatorTest, OrdersAndHealthOutliveARestart) {
  probe_all(true);
  order("paris", Override::Kind::kDisable, 100s, "disks");
  for (int i = 0; i < 2; ++i) probe_all(false, kLondon);
  ASSERT_EQ(report(0).status, EndpointStatus::kDegraded);

  const auto overrides = parse_overrides(overrides_to_json(control_->overrides()));
  const auto memory = parse_memory(memory_to_json(control_->health().memory()));
  ASSERT_TRUE(overrides) << overrides.error();
  ASSERT_TRUE(memory) << memory.error();
  EXPECT_EQ(*overrides, control_->overrides());
  restart(*overrides, *memory);
  EXPECT_EQ(report(0).status, EndpointStatus::kDegraded);
  EXPECT_THAT(report(0).reason, HasSubstr("before a restart"));
  EXPECT_EQ(report(1).status, EndpointStatus::kDisabled);
  EXPECT_THAT(report(1).reason, StartsWith("disabled by the operator until 2026-11-24T13:01:50Z"));
  clock_.advance(80s);
  EXPECT_EQ(report(1).status, EndpointStatus::kCheckingEndpoint) << "its time went on";
}

TEST_F(OperatorTest, AnOrderThatEndedMeanwhileIsGone) {
  Overrides overrides;
  overrides["london"] = {Override::Kind::kDisable, clock_.wall_now() - 2h, clock_.wall_now() - 1h,
                         ""};
  restart(overrides, {});
  EXPECT_THAT(control_->overrides(), IsEmpty());
  EXPECT_EQ(report(0).status, EndpointStatus::kCheckingEndpoint);
}

TEST_F(OperatorTest, WeightGrowsAfterRecovery) {
  probe_all(true);
  EXPECT_EQ(report(0).ramp, 1) << "the first verdict is no recovery";
  for (int i = 0; i < 2; ++i) probe_all(false, kLondon);
  probe_all(true);
  EXPECT_NEAR(report(0).ramp, 0.02, 0.001);
  clock_.advance(50s);
  EXPECT_NEAR(report(0).ramp, 0.5, 0.03);
  const auto state = control_->routing_state();
  EXPECT_NEAR(routing::kept_weight(state.endpoints[0], state.states[0]), 0.5, 0.03);
  clock_.advance(52s);
  EXPECT_EQ(report(0).ramp, 1);
}

TEST_F(OperatorTest, ASiteThatFailsWhileItsWeightGrowsStartsAgain) {
  probe_all(true);
  for (int i = 0; i < 2; ++i) probe_all(false, kLondon);
  probe_all(true);
  clock_.advance(40s);
  prober_.finish_running(true);
  for (int i = 0; i < 2; ++i) probe_all(false, kLondon);
  ASSERT_EQ(report(0).status, EndpointStatus::kDegraded);
  probe_all(true);
  EXPECT_NEAR(report(0).ramp, 0.02, 0.001);
}

TEST_F(OperatorTest, EachChangeIsAnEvent) {
  probe_all(true);
  events_.clear();
  for (int i = 0; i < 2; ++i) probe_all(false, kLondon);
  order("paris", Override::Kind::kDrain, 60s, "disks");
  ASSERT_EQ(events_.size(), 3U);
  EXPECT_THAT(events_[0],
              StartsWith(R"({"time":"2026-11-24T13:00:30Z","event":"endpoint","endpoint":"london",)"
                         R"("from":"Online","to":"Degraded","reason":"monitor sstp at )"));
  EXPECT_EQ(events_[1], R"({"time":"2026-11-24T13:00:30Z","event":"profile","profile":"vpn",)"
                        R"("serving":1,"total":3})");
  EXPECT_EQ(events_[2], R"({"time":"2026-11-24T13:00:30Z","event":"override","endpoint":"paris",)"
                        R"("override":"drain","seconds":60,"reason":"disks"})");
}

// The API.

class HealthApiTest : public OperatorTest {
 protected:
  HealthApiTest() { add_health_api(handlers_, *control_, probes_); }

  AdminResponse post(const std::string& target, std::string body = "") {
    std::optional<AdminResponse> response;
    handlers_.dispatch("POST", target, std::move(body),
                       [&](AdminResponse given) { response = std::move(given); });
    prober_.finish_running(true, "status 401");
    EXPECT_TRUE(response);
    return response.value_or(AdminResponse{});
  }

  ProbesNow probes_{prober_};
  AdminHandlers handlers_;
};

TEST_F(HealthApiTest, OrdersComeByQueryOrBody) {
  EXPECT_EQ(post("/v1/endpoints/london/drain?for=2h&reason=new+disks").body,
            R"({"endpoint":"london","override":"drain","until":"2026-11-24T15:00:00Z"})");
  EXPECT_EQ(control_->overrides().at("london").reason, "new disks");
  EXPECT_EQ(post("/v1/endpoints/london/disable", R"({"for":"90s","reason":"é"})").body,
            R"({"endpoint":"london","override":"disable","until":"2026-11-24T13:01:30Z"})");
  EXPECT_EQ(post("/v1/endpoints/london/enable").body,
            R"({"endpoint":"london","override":null,"until":null})");
}

TEST_F(HealthApiTest, BadOrdersAreRefusedAndChangeNothing) {
  const struct {
    const char* target;
    const char* body;
    unsigned status;
    const char* detail;
  } rows[] = {
      {"/v1/endpoints/mars/disable", "", 404, "there is no endpoint mars"},
      {"/v1/endpoints/london/explode", "", 404, "there is no such path"},
      {"/v1/endpoints//disable", "", 404, "there is no such path"},
      {"/v1/endpoints/a/b/disable", "", 404, "there is no such path"},
      {"/v1/endpoints/%zz/disable", "", 400, "percent-encoded"},
      {"/v1/endpoints/london/disable?for=2", "", 400, "has no unit"},
      {"/v1/endpoints/london/disable?for=500ms", "", 400, "out of range"},
      {"/v1/endpoints/london/disable?for=99999h", "", 400, "out of range"},
      {"/v1/endpoints/london/disable", "{", 400, "is no JSON object"},
      {"/v1/endpoints/london/disable", "[]", 400, "is no JSON object"},
      {"/v1/endpoints/london/disable", R"({"for":7200})", 400, "\\\"for\\\" is no string"},
      {"/v1/endpoints/london/disable", R"({"until":"2h"})", 400, "there is no \\\"until\\\""},
      {"/v1/endpoints/london/disable", R"({"reason":"a\nb"})", 400, "one line"},
      {"/v1/endpoints/london/enable?for=1h", "", 400, "is enabled already"},
      {"/v1/endpoints/mars/probe", "", 404, "there is no endpoint mars"},
      {"/v1/endpoints/london/probe?monitor=ping", "", 404, "has no monitor ping"},
  };
  for (const auto& row : rows) {
    const AdminResponse response = post(row.target, row.body);
    EXPECT_EQ(response.status, row.status) << row.target << " " << row.body;
    EXPECT_THAT(response.body, HasSubstr(row.detail)) << row.target << " " << row.body;
  }
  EXPECT_EQ(
      post("/v1/endpoints/london/disable", R"({"reason":")" + std::string(201, 'x') + "\"}").status,
      400U);
  EXPECT_THAT(control_->overrides(), IsEmpty());
}

TEST_F(HealthApiTest, AProbeOnDemandTellsItsStepsAndChangesNoStatus) {
  probe_all(true);
  std::optional<AdminResponse> response;
  handlers_.dispatch("POST", "/v1/endpoints/london/probe?monitor=sstp", "",
                     [&](AdminResponse given) { response = std::move(given); });
  const auto probe = prober_.probes().back();
  ASSERT_TRUE(probe->is_running());
  EXPECT_FALSE(response);
  probe->finished = true;
  probe->callback({health::Outcome::kFailure,
                   "expected status 401, got 404",
                   2500us,
                   {{"TCP connection", 1000us}, {"status 404", 2400us}}});
  ASSERT_TRUE(response);
  const auto text = probes_text(response->body);
  ASSERT_TRUE(text) << text.error();
  EXPECT_EQ(*text,
            "london, monitor sstp at 203.0.113.10:443: failed after 2.5 ms: expected status 401, "
            "got 404\n       1.0 ms  TCP connection\n       2.4 ms  status 404\n");
  EXPECT_THAT(response->body, HasSubstr(R"("passed":false)"));
  EXPECT_EQ(report(0).status, EndpointStatus::kOnline);
  EXPECT_EQ(report(0).checks.at(0).consecutive_failures, 0U);
}

TEST_F(HealthApiTest, MetricsTellStatusesChecksAndProbes) {
  probe_all(true);
  const std::string text =
      health_metrics(*config_, control_->status_report(), control_->health().stats());
  for (const char* line :
       {"gslbd_endpoint_status{endpoint=\"london\",status=\"Online\"} 1\n",
        "gslbd_endpoint_status{endpoint=\"rome\",status=\"Disabled\"} 1\n",
        "gslbd_check_up{endpoint=\"paris\",monitor=\"sstp\",address=\"203.0.113.20\"} 1\n",
        "gslbd_probes_total{outcome=\"success\"} 2\n", "gslbd_profile_serving{profile=\"vpn\"} 2\n",
        "gslbd_probe_lateness_seconds_bucket{le=\"+Inf\"} 2\n", "gslbd_isolated 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

// Files.

TEST(StoredState, OddFilesAreRefused) {
  for (const char* text :
       {"", "{", "[]", R"({"a":1})", R"({"a":{"override":"explode"}})",
        R"({"a":{"override":"drain","since":"today","until":null,"reason":""}})"}) {
    EXPECT_FALSE(parse_overrides(text)) << text;
  }
  for (
      const char* text :
      {"", "[]", "{}", R"({"checks":[{}]})",
       R"({"checks":[{"endpoint":"a","monitor":"b","address":"nowhere"}]})",
       R"({"checks":[{"endpoint":"a","monitor":"b","address":"192.0.2.1","status":"Stopped"}]})"}) {
    EXPECT_FALSE(parse_memory(text)) << text;
  }
  EXPECT_TRUE(parse_overrides("{}"));
}

/// Runs what is handed over when the test says so.
class StateStoreTest : public testing::Test {
 protected:
  void run_all() {
    while (!jobs_.empty()) {
      const auto [work, done] = jobs_.front();
      jobs_.erase(jobs_.begin());
      work();
      done();
    }
  }

  std::string content(const char* name) const {
    std::ifstream file(folder_.path() / "state" / name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::vector<std::pair<std::function<void()>, std::function<void()>>> jobs_;
  StateStore store_{[this](auto work, auto done) { jobs_.emplace_back(work, done); }};
  support::TemporaryFolder folder_;
};

TEST_F(StateStoreTest, TheNewestTextCountsAndLinesKeepTheirOrder) {
  store_.set_folder(folder_.path() / "state");
  store_.save("a", "1");
  EXPECT_EQ(jobs_.size(), 1U);
  store_.save("a", "2");
  store_.save("a", "3");
  store_.append("log", "x");
  store_.append("log", "y");
  EXPECT_EQ(jobs_.size(), 1U) << "one at a time";
  run_all();
  EXPECT_EQ(content("a"), "3");
  EXPECT_EQ(content("log"), "x\ny\n");
  EXPECT_EQ(store_.load("a"), "3");
  EXPECT_EQ(store_.load("missing"), std::nullopt);
}

TEST_F(StateStoreTest, WithoutAFolderNothingIsKept) {
  store_.save("a", "1");
  store_.append("log", "x");
  EXPECT_THAT(jobs_, IsEmpty());
}

TEST_F(StateStoreTest, WhatCannotBeWrittenIsTriedAgain) {
  support::write_file(folder_.path() / "state", "a file where a folder should be");
  store_.set_folder(folder_.path() / "state");
  store_.save("a", "1");
  store_.append("log", "x");
  run_all();
  EXPECT_NE(store_.last_error(), "");
  std::filesystem::remove(folder_.path() / "state");
  store_.append("log", "y");
  run_all();
  EXPECT_EQ(store_.last_error(), "");
  EXPECT_EQ(content("a"), "1");
  EXPECT_EQ(content("log"), "x\ny\n");
}

TEST_F(StateStoreTest, TheLogIsBounded) {
  store_.set_folder(folder_.path() / "state");
  const std::string line(StateStore::kMaxLogSize / 4, 'x');
  for (int i = 0; i < 10; ++i) {
    store_.append("log", line);
    run_all();
  }
  EXPECT_LE(content("log").size(), StateStore::kMaxLogSize);
  EXPECT_LE(content("log.1").size(), StateStore::kMaxLogSize);
  EXPECT_GT(content("log.1").size(), 0U);
}

TEST_F(StateStoreTest, ADiskThatHangsCostsBoundedMemory) {
  store_.set_folder(folder_.path() / "state");
  store_.append("log", "first");  // Is never done.
  for (std::size_t i = 0; i < StateStore::kMaxWaitingLines + 100; ++i) {
    store_.append("log", std::to_string(i));
  }
  run_all();
  const std::string text = content("log");
  EXPECT_THAT(text, StartsWith("first\n100\n")) << "the oldest are gone";
}

// Notifications.

class FakeFetcher final : public health::Fetcher {
 public:
  std::unique_ptr<health::Pending> fetch(const health::FetchSpec& spec,
                                         Callback callback) override {
    specs.push_back(spec);
    callbacks.push_back(std::move(callback));
    return std::make_unique<health::Pending>();
  }

  std::vector<health::FetchSpec> specs;
  std::vector<Callback> callbacks;
};

class NotifierTest : public testing::Test {
 protected:
  void finish(bool success) {
    const auto callback = fetcher_.callbacks.back();
    callback(success ? health::Fetcher::Result("") : tl::make_unexpected(std::string("got 500")));
  }

  boost::asio::io_context io_;
  FakeClock clock_;
  FakeFetcher fetcher_;
  Notifier notifier_{io_, clock_, fetcher_};
};

TEST_F(NotifierTest, AWebhookGetsEventsOneByOne) {
  notifier_.set_targets({}, "https://hooks.example.com/");
  notifier_.notify("1");
  notifier_.notify("2");
  ASSERT_EQ(fetcher_.specs.size(), 1U);
  EXPECT_EQ(fetcher_.specs[0].post, "1");
  EXPECT_EQ(fetcher_.specs[0].url, "https://hooks.example.com/");
  finish(true);
  ASSERT_EQ(fetcher_.specs.size(), 2U);
  EXPECT_EQ(fetcher_.specs[1].post, "2");
  finish(true);
  EXPECT_EQ(fetcher_.specs.size(), 2U);
}

TEST_F(NotifierTest, WhatFailsIsTriedAgainWithGrowingPausesAndGivenUp) {
  notifier_.set_targets({}, "https://hooks.example.com/");
  notifier_.notify("1");
  notifier_.notify("2");
  for (const auto pause : {1s, 2s, 4s, 8s}) {
    finish(false);
    const std::size_t before = fetcher_.specs.size();
    clock_.advance(pause - 1ms);
    EXPECT_EQ(fetcher_.specs.size(), before);
    clock_.advance(1ms);
    ASSERT_EQ(fetcher_.specs.size(), before + 1);
    EXPECT_EQ(fetcher_.specs.back().post, "1");
  }
  finish(false);
  EXPECT_EQ(fetcher_.specs.back().post, "2") << "the first was given up";
}

TEST_F(NotifierTest, ACommandReadsTheEvent) {
  const support::TemporaryFolder folder;
  const auto file = folder.path() / "events";
  notifier_.set_targets({"/bin/sh", "-c", "cat >> " + file.string()}, "");
  notifier_.notify(R"({"event":"a"})");
  notifier_.notify(R"({"event":"b"})");
  const auto text = [&] {
    std::ifstream in(file);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  };
  EXPECT_TRUE(run_until(io_, [&] { return text() == "{\"event\":\"a\"}\n{\"event\":\"b\"}\n"; }))
      << text();
}

TEST_F(NotifierTest, TooManyAreNotKept) {
  notifier_.set_targets({}, "https://hooks.example.com/");
  for (std::size_t i = 0; i < Notifier::kMaxWaiting + 10; ++i) notifier_.notify(std::to_string(i));
  for (std::size_t i = 0; i < Notifier::kMaxWaiting; ++i) finish(true);
  EXPECT_EQ(fetcher_.specs.size(), Notifier::kMaxWaiting);
}

}  // namespace
}  // namespace gslb::app
