// The SSTP ladder: the daemon against the peer of tests/support, and that peer against a real
// client, Debian's sstp-client, which proves its octets: it goes on to PPP.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/blackbox/daemon.h"
#include "tests/support/sstp_site.h"

namespace gslb::blackbox {
namespace {

using support::run;
using support::SstpBehaviour;
using support::SstpSite;

std::string config(const SstpSite& site) {
  return R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.shallow]
preset = "sstp"
certificate = "ignore"
interval = "1s"
timeout = "500ms"
tolerated_failures = 0
port = )" +
         std::to_string(site.port()) +
         R"(
[monitor.ladder]
protocol = "sstp"
host = "vpn.example.com"
level = "call"
certificate = "ignore"
interval = "1s"
timeout = "900ms"
tolerated_failures = 0
port = )" +
         std::to_string(site.port()) +
         R"(
[endpoint.london]
addresses = ["127.0.0.1"]
monitors = ["shallow", "ladder"]
[endpoint.spare]
addresses = ["203.0.113.20"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "spare" }]
)";
}

TEST(Sstp, AServerThatIsOutOfPortsIsFoundOutAlthoughItAnswers401) {
  SstpSite site;
  Daemon daemon(config(site));
  ASSERT_TRUE(daemon.wait_for_log("endpoint london: CheckingEndpoint -> Online")) << daemon.log();
  EXPECT_EQ(daemon.addresses(kVpn), kSite);
  const struct {
    SstpBehaviour behaviour;
    const char* reason;
  } rows[] = {
      {SstpBehaviour::kNoPorts, "expected status 200 to SSTP_DUPLEX_POST, got 503"},
      {SstpBehaviour::kSilentCall,
       "SSTP_DUPLEX_POST answered 200, but no answer to SSTP_MSG_CALL_CONNECT_REQUEST"},
  };
  for (const auto& row : rows) {
    site.set_behaviour(row.behaviour);
    ASSERT_TRUE(daemon.wait_for_log("endpoint london: Online -> Degraded: monitor ladder at " +
                                    base::to_string(site.address()) + ": "))
        << daemon.log();
    EXPECT_THAT(daemon.log(), testing::HasSubstr(row.reason));
    EXPECT_EQ(daemon.addresses(kVpn), kSpare);
    site.set_behaviour(SstpBehaviour::kHealthy);
    ASSERT_TRUE(daemon.wait_for_log("endpoint london: Degraded -> Online")) << daemon.log();
  }
}

/// Waits 20 s at most.
template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

TEST(Sstp, ARealClientTakesThePeerForARealServer) {
  if (support::run({"sstpc", "--version"}).output.find("sstp-client") == std::string::npos) {
    GTEST_SKIP() << "sstp-client is not installed";
  }
  const support::TemporaryFolder folder;
  const SstpSite site;
  // pppd is left out, as it needs a kernel device. What stands in for it is a pipe that stays open
  // and says nothing, so the client waits for the server as it does before PPP begins.
  const std::string pipe = (folder.path() / "ppp").string();
  ASSERT_EQ(run({"mkfifo", pipe}).status, 0);
  const std::string command =
      "exec sstpc --cert-warn --nolaunchpppd --log-stderr --log-level 5 --user x --password y "
      "--priv-dir " +
      folder.path().string() + " " + base::to_string(site.address()) + " <> " + pipe;
  std::unique_ptr<support::Process> client;
  // Its event loop ends at once from time to time, on a busy machine, before it has sent anything.
  for (int attempt = 0; attempt < 5 && site.packets().empty(); ++attempt) {
    client = std::make_unique<support::Process>(std::vector<std::string>{"sh", "-c", command});
    eventually([&] { return !site.packets().empty() || !client->is_running(); });
  }
  ASSERT_FALSE(site.packets().empty()) << client->output();
  EXPECT_EQ(site.packets().at(0),
            std::string("\x10\x01\x00\x0e\x00\x01\x00\x01\x00\x01\x00\x06\x00\x01", 14))
      << "what the probe sends is what a client sends";
  EXPECT_TRUE(client->wait_for_output("Started PPP Link Negotiation")) << client->output();
}

}  // namespace
}  // namespace gslb::blackbox
