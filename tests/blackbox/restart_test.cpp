// What outlives the end of gslbd, and what becomes of it when the disk or the clock fail.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/blackbox/daemon.h"
#include "tests/blackbox/network_namespace.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::run;
using support::SiteBehaviour;
using support::VpnSite;
using testing::HasSubstr;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

/// The keys of [server] first, then a site that is probed and a spare one.
std::string stateful(std::uint16_t port, const std::string& state_dir,
                     const std::string& health = "") {
  return "state_dir = \"" + state_dir + "\"\n" + health + site_and_spare(port);
}

support::Finished gslbctl(const Daemon& daemon, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), GSLBCTL_BINARY);
  arguments.insert(arguments.end(), {"--control", daemon.control().string()});
  return run(arguments);
}

TEST(Restart, AfterKillNineOrdersAndHealthAreAsBefore) {
  VpnSite site;
  Daemon daemon(stateful(site.port(), "state"));
  const auto state = daemon.file().parent_path() / "state";
  ASSERT_TRUE(daemon.wait_for_log("CheckingEndpoint -> Online"));
  site.set_behaviour(SiteBehaviour::kHangAfterAccept);
  ASSERT_TRUE(daemon.wait_for_log("Online -> Degraded"));
  ASSERT_EQ(gslbctl(daemon, {"drain", "spare", "--for", "1h", "--reason", "new disks"}).status, 0);
  ASSERT_EQ(daemon.addresses(kVpn), kSpare);
  // Both are on the disk soon.
  while (text_of(state / "health.json").find("Degraded") == std::string::npos ||
         text_of(state / "overrides.json").find("new disks") == std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  daemon.process().signal(SIGKILL);
  ASSERT_TRUE(daemon.process().wait());

  daemon.start_again();
  EXPECT_EQ(daemon.addresses(kVpn), kSpare) << "the sick site gets no clients, not even at first";
  const std::string status = gslbctl(daemon, {"status"}).output;
  EXPECT_THAT(status, HasSubstr("drained by the operator until 20"));
  EXPECT_THAT(status, testing::ContainsRegex("london +Degraded"));
  site.set_behaviour(SiteBehaviour::kHealthy);
  ASSERT_TRUE(daemon.wait_for_log("endpoint london: Degraded -> Online")) << daemon.log();
  EXPECT_EQ(daemon.addresses(kVpn), kSite);
}

TEST(Restart, EventsAreLoggedAndTold) {
  VpnSite site;
  const support::TemporaryFolder folder;
  const std::string told = (folder.path() / "told").string();
  Daemon daemon(stateful(site.port(), "state",
                         "[health]\non_change = [\"/bin/sh\", \"-c\", \"cat >> " + told + "\"]\n"));
  ASSERT_TRUE(daemon.wait_for_log("CheckingEndpoint -> Online"));
  site.set_behaviour(SiteBehaviour::kStatus404);
  ASSERT_TRUE(daemon.wait_for_log("Online -> Degraded"));
  const auto has_all = [&](const std::string& text) {
    return text.find("\"to\":\"Online\"") != std::string::npos &&
           text.find("\"to\":\"Degraded\"") != std::string::npos &&
           text.find("\"event\":\"profile\"") != std::string::npos;
  };
  const auto events = daemon.file().parent_path() / "state" / "events.jsonl";
  while (!has_all(text_of(told)) || !has_all(text_of(events))) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::istringstream lines(text_of(events));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_NO_THROW(static_cast<void>(boost::json::parse(line))) << line;
  }
}

/// In a namespace, where a small file system can be mounted. Sites are probed by a program, as
/// those of the test cannot be reached from there.
class StateDir : public testing::Test {
 protected:
  void SetUp() override {
    if (!NetworkNamespace::is_available()) GTEST_SKIP() << "needs root";
    namespace_ = std::make_unique<NetworkNamespace>();
    ASSERT_EQ(in_namespace("mkdir /run/state && mount -t tmpfs -o size=64k tmpfs /run/state"), 0);
  }

  int in_namespace(const std::string& script) {
    return run(namespace_->inside({"sh", "-c", script})).status;
  }

  void start() {
    const std::string config = R"(state_dir = "/run/state"
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.file]
protocol = "exec"
interval = "1s"
timeout = "900ms"
tolerated_failures = 0
command = ["/bin/sh", "-c", "test -e /run/healthy"]
[endpoint.london]
addresses = ["127.0.0.1"]
monitors = ["file"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }]
)";
    in_namespace("touch /run/healthy");
    daemon_ = std::make_unique<Daemon>(config, namespace_->inside({}));
    ASSERT_TRUE(daemon_->wait_for_log("endpoint london: CheckingEndpoint -> Online"));
  }

  std::unique_ptr<NetworkNamespace> namespace_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(StateDir, WhenItIsFullProbesGoOnAndWhatIsMissingFollows) {
  ASSERT_NO_FATAL_FAILURE(start());
  in_namespace("dd if=/dev/zero of=/run/state/filler bs=1k count=64 2>/dev/null; rm /run/healthy");
  EXPECT_TRUE(daemon_->wait_for_log("endpoint london: Online -> Degraded"));
  EXPECT_TRUE(daemon_->process().wait_for_output(
      "/run/state: No space left on device; overrides, health and events are "
      "kept in memory alone"));
  const auto ready =
      run({"curl", "-s", "--unix-socket", daemon_->control().string(), "http://x/readyz"});
  EXPECT_THAT(ready.output, HasSubstr("\"impaired\""));
  EXPECT_THAT(ready.output, HasSubstr("No space left on device"));
  in_namespace("rm /run/state/filler; touch /run/healthy");
  EXPECT_TRUE(daemon_->wait_for_log("endpoint london: Degraded -> Online"));
  EXPECT_TRUE(daemon_->process().wait_for_output("/run/state: can be written again"));
  // Nothing is lost, and no line is cut; the newest line is on its way.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto has_three = [&] {
    return in_namespace("grep -c '\"event\":\"endpoint\"' /run/state/events.jsonl | grep -qx 3") ==
           0;
  };
  while (!has_three() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(has_three());
  EXPECT_EQ(in_namespace("grep -v '^{.*}$' /run/state/events.jsonl"), 1);
}

TEST_F(StateDir, WhenItIsReadOnlyProbesGoOn) {
  in_namespace("mount -o remount,ro /run/state");
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(daemon_->process().wait_for_output("/run/state: Read-only file system"));
  const auto order =
      run({GSLBCTL_BINARY, "drain", "london", "--control", daemon_->control().string()});
  EXPECT_EQ(order.status, 0) << order.output;
  in_namespace("rm /run/healthy");
  EXPECT_TRUE(daemon_->wait_for_log("endpoint london: Online -> Degraded"));
}

#ifdef WALL_CLOCK_LIBRARY
TEST(ClockJumps, ProbesAndOrdersGoOnByTheClockThatNeverJumps) {
  const support::TemporaryFolder folder;
  const auto offset = folder.path() / "offset";
  support::write_file(offset, "0");
  VpnSite site;
  Daemon daemon(stateful(site.port(), "state"),
                {"env", "LD_PRELOAD=" WALL_CLOCK_LIBRARY, "GSLBD_TEST_CLOCK=" + offset.string()});
  ASSERT_TRUE(daemon.wait_for_log("CheckingEndpoint -> Online"));
  ASSERT_EQ(gslbctl(daemon, {"drain", "spare", "--for", "1h"}).status, 0);
  for (const char* ninety_days : {"7776000", "-7776000", "0"}) {
    SCOPED_TRACE(ninety_days);
    support::replace_file(offset, ninety_days);
    const auto before = site.requests();
    site.set_behaviour(SiteBehaviour::kStatus404);
    ASSERT_TRUE(daemon.wait_for_log("endpoint london: Online -> Degraded")) << daemon.log();
    site.set_behaviour(SiteBehaviour::kHealthy);
    ASSERT_TRUE(daemon.wait_for_log("endpoint london: Degraded -> Online")) << daemon.log();
    EXPECT_LE(site.requests() - before, 8U) << "no probes in a hurry";
    EXPECT_THAT(gslbctl(daemon, {"status"}).output, HasSubstr("drained by the operator"));
  }
  EXPECT_THAT(daemon.log(), HasSubstr("the certificate has expired on "));
  EXPECT_THAT(daemon.log(), HasSubstr("the certificate is not valid before "));
}
#endif

}  // namespace
}  // namespace gslb::blackbox
