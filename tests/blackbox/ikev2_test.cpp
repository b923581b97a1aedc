// IKEv2 monitors against strongSwan, the responder of many VPN sites. Both live in a network
// namespace of their own, as strongSwan speaks as others do on ports 500 and 4500 alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

#include "tests/blackbox/network_namespace.h"
#include "tests/support/process.h"

namespace gslb::blackbox {
namespace {

using support::Process;
using support::run;

constexpr const char* kCharon = "/usr/lib/ipsec/charon";

constexpr const char* kGslbd = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.ikev2]
preset = "ikev2"
interval = "1s"
timeout = "700ms"
tolerated_failures = 0
[monitor.deep]
preset = "ikev2"
mode = "negotiate"
interval = "1s"
timeout = "700ms"
tolerated_failures = 0
[endpoint.london]
addresses = ["127.0.0.1", "::1"]
monitors = ["ikev2"]
[endpoint.paris]
addresses = ["127.0.0.1"]
monitors = ["deep"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
when_all_down = "nodata"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
)";

constexpr const char* kConnections = R"(
connections {
  vpn {
    proposals = aes256-sha256-modp2048
    local { auth = psk }
    remote { auth = psk }
  }
}
)";

class Ikev2 : public testing::Test {
 protected:
  void SetUp() override {
    if (!NetworkNamespace::is_available()) {
      GTEST_SKIP() << "network namespaces cannot be made here: needs root";
    }
    // Also a /run of its own, for the pid: the path of strongSwan's file is built in.
    namespace_ = std::make_unique<NetworkNamespace>();
    support::write_file(path("strongswan.conf"), strongswan_conf());
    support::write_file(path("swanctl.conf"), kConnections);
    start_charon();
    ASSERT_FALSE(HasFatalFailure());
    support::write_file(path("gslbd.toml"), "[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"" +
                                                path("control.sock") + "\"\n" + kGslbd);
    gslbd_ = std::make_unique<Process>(inside({GSLBD_BINARY, "--config", path("gslbd.toml")}));
    ASSERT_TRUE(wait_for("endpoint london: CheckingEndpoint -> Online")) << gslbd_->output();
  }

  std::string path(const char* file) const { return (folder_.path() / file).string(); }

  std::string strongswan_conf() const {
    return R"(charon {
  load_modular = no
  load = random nonce aes sha1 sha2 hmac kdf gmp pem pkcs1 x509 pubkey kernel-netlink socket-default vici
  install_routes = no
  install_virtual_ip = no
  plugins { vici { socket = unix://)" +
           path("vici.sock") + R"( } }
  filelog { stderr { default = 1 } }
})";
  }

  std::vector<std::string> inside(std::vector<std::string> command) const {
    return namespace_->inside(std::move(command));
  }

  void start_charon() {
    charon_ = std::make_unique<Process>(
        inside({"env", "STRONGSWAN_CONF=" + path("strongswan.conf"), kCharon}));
    ASSERT_TRUE(charon_->wait_for_output("worker threads")) << charon_->output();
    const auto loaded = run(inside({"swanctl", "--load-conns", "--file", path("swanctl.conf"),
                                    "--uri", "unix://" + path("vici.sock")}));
    ASSERT_EQ(loaded.status, 0) << loaded.output;
  }

  /// Waits for a later line of the log than those waited for before.
  testing::AssertionResult wait_for(const std::string& text) {
    const auto end = gslbd_->wait_for_output(text, log_position_);
    log_position_ = end.value_or(log_position_);
    if (end) return testing::AssertionSuccess();
    return testing::AssertionFailure() << gslbd_->output();
  }

  bool has_nft() const { return namespace_->has_nft(); }
  void nft(const std::string& command) const { namespace_->nft(command); }

  support::TemporaryFolder folder_;
  std::unique_ptr<NetworkNamespace> namespace_;
  std::unique_ptr<Process> charon_;
  std::unique_ptr<Process> gslbd_;
  std::size_t log_position_ = 0;
};

TEST_F(Ikev2, StrongSwanIsHealthyByEitherOffer) {
  EXPECT_TRUE(charon_->wait_for_output("generating IKE_SA_INIT response 0 [ N(NO_PROP) ]"));
  EXPECT_TRUE(charon_->wait_for_output("generating IKE_SA_INIT response 0 [ SA KE No"));
  const auto told = run({GSLBCTL_BINARY, "status", "--control", path("control.sock")});
  EXPECT_THAT(told.output, testing::ContainsRegex("vpn +vpn.* +Online +2/2")) << told.output;
}

TEST_F(Ikev2, EachWayToFailIsToldAndEnds) {
  if (!has_nft()) GTEST_SKIP() << "nftables does not work here";
  ASSERT_NO_FATAL_FAILURE(nft("add table inet filter"));
  ASSERT_NO_FATAL_FAILURE(
      nft("add chain inet filter input { type filter hook input priority 0; }"));

  ASSERT_NO_FATAL_FAILURE(nft("add rule inet filter input udp dport 4500 drop"));
  EXPECT_TRUE(wait_for("endpoint london: Online -> Degraded"));
  // The other port answers; with COOKIE, where half-open exchanges of the other monitor pile up.
  EXPECT_TRUE(
      wait_for("UDP 4500: no IKE response to 3 IKE_SA_INIT requests; "
               "UDP 500: answered"));
  ASSERT_NO_FATAL_FAILURE(nft("flush chain inet filter input"));
  EXPECT_TRUE(wait_for("endpoint london: Degraded -> Online"));

  ASSERT_NO_FATAL_FAILURE(nft("add rule inet filter input udp dport 500 drop"));
  EXPECT_TRUE(wait_for("endpoint london: Online -> Degraded"));
  EXPECT_TRUE(
      wait_for("UDP 500: no IKE response to 3 IKE_SA_INIT requests; "
               "UDP 4500: answered"));
  ASSERT_NO_FATAL_FAILURE(nft("flush chain inet filter input"));
  EXPECT_TRUE(wait_for("endpoint london: Degraded -> Online"));

  charon_->signal(SIGSTOP);  // The ports are open, but nobody is at home.
  EXPECT_TRUE(wait_for("endpoint london: Online -> Degraded"));
  charon_->signal(SIGCONT);
  EXPECT_TRUE(wait_for("endpoint london: Degraded -> Online"));

  charon_->signal(SIGTERM);
  ASSERT_TRUE(charon_->wait());
  EXPECT_TRUE(wait_for("endpoint london: Online -> Degraded"));
  EXPECT_TRUE(wait_for("port unreachable"));
  start_charon();
  EXPECT_TRUE(wait_for("endpoint london: Degraded -> Online"));
}

TEST_F(Ikev2, OneFamilyThatIsSilentIsTakenOutAlone) {
  if (!has_nft()) GTEST_SKIP() << "nftables does not work here";
  ASSERT_NO_FATAL_FAILURE(nft("add table ip6 filter"));
  ASSERT_NO_FATAL_FAILURE(nft("add chain ip6 filter input { type filter hook input priority 0; }"));
  ASSERT_NO_FATAL_FAILURE(nft("add rule ip6 filter input udp dport 500 drop"));
  EXPECT_TRUE(wait_for("at ::1: timed out after 700ms: UDP 500: no IKE response"));
  const auto port = gslbd_->output().find("listening on 127.0.0.1:");
  ASSERT_NE(port, std::string::npos);
  const std::string number = gslbd_->output().substr(port + 23, 5);
  const auto ask = [&](const char* type) {
    return run(inside({"dig", "+short", "-p", std::to_string(std::stoi(number)), "@127.0.0.1",
                       "vpn.gslb.example.com", type}))
        .output;
  };
  EXPECT_EQ(ask("A"), "127.0.0.1\n");
  EXPECT_EQ(ask("AAAA"), "");
}

}  // namespace
}  // namespace gslb::blackbox
