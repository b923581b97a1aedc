// The ways in which a site can be broken, each probed by the real daemon at a peer that is broken
// in just this way: its status, and the reason that people are told.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <regex>
#include <thread>

#include "tests/blackbox/daemon.h"
#include "tests/support/certificates.h"
#include "tests/support/loopback_socket.h"
#include "tests/support/sstp_site.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::Identity;
using support::IdentityOptions;
using support::LoopbackSocket;
using support::make_identity;
using support::SiteBehaviour;
using support::SstpBehaviour;
using support::SstpSite;
using support::VpnSite;

/// A UDP port that answers each datagram by what `answer` makes of it; empty: not at all.
class UdpPeer {
 public:
  using Answer = std::function<std::string(const std::string&)>;

  explicit UdpPeer(Answer answer) : answer_(std::move(answer)), thread_([this] { serve(); }) {}
  ~UdpPeer() {
    is_over_ = true;
    thread_.join();
  }
  std::uint16_t port() const { return socket_.port(); }

 private:
  void serve() {
    while (!is_over_) {
      pollfd ready{socket_.fd(), POLLIN, 0};
      if (::poll(&ready, 1, 50) <= 0) continue;
      std::string datagram(2048, '\0');
      sockaddr_storage peer{};
      socklen_t size = sizeof(peer);
      const ssize_t got = ::recvfrom(socket_.fd(), datagram.data(), datagram.size(), 0,
                                     reinterpret_cast<sockaddr*>(&peer), &size);
      if (got < 0) continue;
      datagram.resize(static_cast<std::size_t>(got));
      const std::string answer = answer_(datagram);
      if (answer.empty()) continue;
      ::sendto(socket_.fd(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer),
               size);
    }
  }

  LoopbackSocket socket_{SOCK_DGRAM};
  Answer answer_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

/// An IKE_SA_INIT response with one notification.
std::string notify(const std::string& request, char type) {
  return request.substr(0, 8) +
         std::string("\x09\x09\x09\x09\x09\x09\x09\x09\x29\x20\x22\x20", 12) +
         std::string("\0\0\0\0\0\0\0\x24\0\0\0\x08\0\0\0", 15) + type;
}
constexpr char kNoProposalChosen = 14;
std::string reject(const std::string& request) { return notify(request, kNoProposalChosen); }
std::string silent(const std::string& /*request*/) { return ""; }

/// A port at which connections are neither taken nor refused: its backlog is full, so the kernel
/// drops further SYNs.
class FullListener {
 public:
  FullListener() {
    ::listen(listener_.fd(), 0);
    for (auto& client : clients_) {
      ::fcntl(client.fd(), F_SETFL, O_NONBLOCK);
      client.connect(listener_.port());
    }
  }
  std::uint16_t port() const { return listener_.port(); }

 private:
  LoopbackSocket listener_{SOCK_STREAM};
  std::array<LoopbackSocket, 3> clients_{LoopbackSocket(SOCK_STREAM), LoopbackSocket(SOCK_STREAM),
                                         LoopbackSocket(SOCK_STREAM)};
};

class BrokenWays : public testing::Test {
 protected:
  struct Way {
    std::string name;
    std::string monitor;  ///< The keys of its monitor.
    std::string reason;   ///< A regular expression for a part of the reason.
  };

  /// Adds a way whose peer is `site`, which lives as long as the test.
  template <typename Site>
  void add(const std::string& name, std::shared_ptr<Site> site, const std::string& keys,
           const std::string& reason) {
    ways_.push_back({name, keys + "port = " + std::to_string(site->port()) + "\n", reason});
    peers_.push_back(std::move(site));
  }

  void add_web(const std::string& name, SiteBehaviour behaviour, const std::string& reason,
               const std::string& keys = "") {
    add(name, std::make_shared<VpnSite>(VpnSite::Options{.behaviour = behaviour, .body = body_}),
        "preset = \"sstp\"\ncertificate = \"ignore\"\n" + keys, reason);
  }

  void add_certificate(const std::string& name, const Identity& identity,
                       const std::string& reason) {
    add(name,
        std::make_shared<VpnSite>(
            VpnSite::Options{.identity = std::make_shared<const Identity>(identity)}),
        "preset = \"sstp\"\nhost = \"vpn.example.com\"\ncertificate = \"require\"\nca_file = \"" +
            ca_file_ + "\"\n",
        reason);
  }

  void add_sstp(const std::string& name, SstpBehaviour behaviour, const std::string& reason) {
    add(name, std::make_shared<SstpSite>(behaviour),
        "protocol = \"sstp\"\nlevel = \"call\"\ncertificate = \"ignore\"\n", reason);
  }

  void add_ike(const std::string& name, UdpPeer::Answer plain, UdpPeer::Answer nat,
               const std::string& reason) {
    const auto nat_peer = std::make_shared<UdpPeer>([nat](const std::string& request) {
      const std::string answer = request.size() < 4 ? "" : nat(request.substr(4));
      return answer.empty() ? answer : std::string(4, '\0') + answer;
    });
    peers_.push_back(nat_peer);
    add(name, std::make_shared<UdpPeer>(std::move(plain)),
        "preset = \"ikev2\"\nnat_port = " + std::to_string(nat_peer->port()) + "\n", reason);
  }

  void add_exec(const std::string& name, const std::string& script, const std::string& reason) {
    ways_.push_back({name,
                     "protocol = \"exec\"\ncommand = [\"/bin/sh\", \"-c\", \"" + script + "\"]\n",
                     reason});
  }

  std::string config() const {
    std::string text = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[health]
max_probes_per_target = 1000
)";
    for (const Way& way : ways_) {
      text += "[monitor." + way.name + "]\n" + way.monitor +
              "interval = \"2s\"\ntimeout = \"700ms\"\ntolerated_failures = 0\n[endpoint." +
              way.name + "]\naddresses = [\"127.0.0.1\"]\nmonitors = [\"" + way.name +
              "\"]\n[profile." + way.name + "]\nname = \"" + way.name +
              ".gslb.example.com\"\nmethod = \"priority\"\nwhen_all_down = \"nodata\"\nendpoints = "
              "[{ endpoint = \"" +
              way.name + "\" }]\n";
    }
    return text;
  }

  void expect_all_told() {
    Daemon daemon(config());
    for (const Way& way : ways_) {
      // The log has them in any order.
      const std::string line = "endpoint " + way.name + ": CheckingEndpoint -> ";
      ASSERT_TRUE(daemon.process().wait_for_output(line)) << way.name << daemon.log();
    }
    const auto told = support::run(
        {GSLBCTL_BINARY, "endpoints", "--json", "--control", daemon.control().string()});
    ASSERT_EQ(told.status, 0) << told.output;
    const auto reply = boost::json::parse(told.output);
    const auto& endpoints = reply.at("endpoints").as_array();
    ASSERT_EQ(endpoints.size(), ways_.size());
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      const auto& endpoint = endpoints[i].as_object();
      SCOPED_TRACE(ways_[i].name);
      ASSERT_EQ(endpoint.at("endpoint").as_string(), ways_[i].name);
      EXPECT_EQ(endpoint.at("status").as_string(), "Degraded");
      ASSERT_FALSE(endpoint.at("reason").is_null());
      const std::string reason(endpoint.at("reason").as_string());
      EXPECT_THAT(reason, testing::StartsWith("monitor " + ways_[i].name + " at 127.0.0.1"));
      EXPECT_TRUE(std::regex_search(reason, std::regex(ways_[i].reason)))
          << reason << "\nexpected: " << ways_[i].reason;
      EXPECT_EQ(daemon.addresses(ways_[i].name + ".gslb.example.com"), "");
    }
  }

  std::string body_ = "It works.";
  support::TemporaryFolder folder_;
  const Identity authority_ = make_identity({.name = "Example CA", .is_authority = true});
  const std::string ca_file_ = [this] {
    const auto file = folder_.path() / "ca.pem";
    support::write_file(file, authority_.certificate_pem());
    return file.string();
  }();
  std::vector<Way> ways_;
  std::vector<std::shared_ptr<void>> peers_;
};

TEST_F(BrokenWays, EachSiteIsDegradedWithItsReason) {
  // The port and the connection.
  add_web("closed-port", SiteBehaviour::kClosed, ": connection refused \\(");
  add("backlog-full", std::make_shared<FullListener>(),
      "preset = \"sstp\"\ncertificate = \"ignore\"\n", "timed out after 700ms: no connection");
  add_web("hang-before-tls", SiteBehaviour::kHangAfterAccept,
          "timed out after 700ms: connected, but no TLS handshake");
  add_web("close-before-tls", SiteBehaviour::kCloseAfterAccept,
          "TLS handshake failed: connection (closed|reset) by the peer");
  add_web("tls-refused", SiteBehaviour::kRefuseTls, "TLS handshake failed: .*handshake failure");
  add_web("no-tls", SiteBehaviour::kPlainTcp, "TLS handshake failed: wrong version number");

  // Certificates.
  add_certificate("expired",
                  make_identity({.valid_from_days = -9, .valid_to_days = -2}, &authority_),
                  "certificate has expired on 20");
  add_certificate("not-yet-valid", make_identity({.valid_from_days = 2}, &authority_),
                  "certificate is not valid before 20");
  add_certificate("wrong-name", make_identity({.name = "mail.example.com"}, &authority_),
                  "certificate does not carry the name vpn.example.com");
  add_certificate("self-signed", make_identity({}), "certificate is self-signed");
  const Identity other = make_identity({.name = "Other CA", .is_authority = true});
  add_certificate("unknown-authority", make_identity({}, &other),
                  "certificate is signed by CN=Other CA, which is neither a trusted authority");

  // HTTP.
  add_web("status-200", SiteBehaviour::kStatus200, "expected status 401, got 200");
  add_web("status-404", SiteBehaviour::kStatus404, "expected status 401, got 404");
  add_web("status-500", SiteBehaviour::kStatus500, "expected status 401, got 500");
  add_web("status-503", SiteBehaviour::kStatus503, "expected status 401, got 503");
  add_web("redirect", SiteBehaviour::kRedirect,
          "expected status 401, got 302 \\(redirect to https://elsewhere.example.com/\\)");
  add_web("redirect-loop", SiteBehaviour::kRedirectLoop, "expected status 401, got 302",
          "follow_redirects = 5\n");
  add_web("hang-after-tls", SiteBehaviour::kHangAfterTls,
          "timed out after 700ms: TLS established, but no HTTP response");
  add_web("close-after-tls", SiteBehaviour::kCloseAfterTls,
          "connection closed before a HTTP response");
  add_web("goodbye-after-tls", SiteBehaviour::kEmptyReply,
          "connection closed before a HTTP response");
  add_web("reset-after-tls", SiteBehaviour::kResetAfterTls,
          "connection reset before a HTTP response");
  add_web("no-http", SiteBehaviour::kNotHttp, "expected a HTTP response, got something else");
  add_web("http-09", SiteBehaviour::kHttp09, "expected a HTTP response, got something else");
  add_web("hang-mid-header", SiteBehaviour::kHangMidHeader,
          "timed out after 700ms: status 401 received, but no end of the response header");
  add_web("reset-mid-header", SiteBehaviour::kResetMidHeader,
          "connection reset in the middle of the response header");
  add_web("endless-header", SiteBehaviour::kEndlessHeader, "response header longer than 64 KiB");
  add_web("endless-line", SiteBehaviour::kEndlessLine, "response header line longer than 100 KiB");
  add_web("drip", SiteBehaviour::kDrip, "timed out after 700ms: ");
  add_web("wrong-version", SiteBehaviour::kHealthy, "expected HTTP/2, got HTTP/1.1",
          "http_version = \"2\"\n");
  const std::string with_body = "expected_status = [\"200\"]\nexpect_body = \"Welcome\"\n";
  add_web("wrong-body", SiteBehaviour::kStatus200,
          "body does not contain \"Welcome\" \\(9 bytes\\)", with_body);
  add_web("endless-body", SiteBehaviour::kEndlessBody,
          "first 64 KiB of the body do not contain \"Welcome\"", with_body);
  add_web("cut-body", SiteBehaviour::kCloseMidBody, "connection closed in the middle of the body",
          with_body);
  // 10 MiB of "Welcome" in some 20 KiB: it is not unpacked.
  const auto bomb = support::run({"sh", "-c", "yes Welcome | head -c 10485760 | gzip -9 -n"});
  ASSERT_EQ(bomb.status, 0);
  body_ = bomb.output;
  add_web("gzip-bomb", SiteBehaviour::kGzip, "body does not contain \"Welcome\" \\([0-9]+ bytes\\)",
          with_body);

  // SSTP.
  add_sstp("sstp-no-ports", SstpBehaviour::kNoPorts,
           "expected status 200 to SSTP_DUPLEX_POST, got 503");
  add_sstp("sstp-silent", SstpBehaviour::kSilentDuplex, "no answer to SSTP_DUPLEX_POST");
  add_sstp("sstp-silent-call", SstpBehaviour::kSilentCall,
           "no answer to SSTP_MSG_CALL_CONNECT_REQUEST");
  add_sstp("sstp-garbage", SstpBehaviour::kCallGarbage,
           "expected an SSTP control packet, got SSTP version 4.8 instead of 1.0");
  add_sstp("sstp-abort", SstpBehaviour::kCallAbort,
           "got SSTP_MSG_CALL_ABORT \\(value not supported\\)");
  // A VPN that speaks TLS and HTTP but no SSTP, as SoftEther 5.01 of Debian does.
  add("sstp-dead",
      std::make_shared<VpnSite>(VpnSite::Options{.behaviour = SiteBehaviour::kStatus404}),
      "protocol = \"sstp\"\ncertificate = \"ignore\"\n",
      "expected status 200 to SSTP_DUPLEX_POST, got 404");

  // IKEv2.
  add_ike("ike-silent", silent, silent,
          "timed out after 700ms: UDP [0-9]+: no IKE response to 3 IKE_SA_INIT requests; UDP");
  add_ike("ike-only-500", reject, silent, "answered NO_PROPOSAL_CHOSEN");
  add_ike("ike-only-4500", silent, reject, "answered NO_PROPOSAL_CHOSEN");
  const auto garbage = [](const std::string&) { return std::string("HTTP/1.1 400 Bad Request"); };
  add_ike("ike-garbage", garbage, garbage, "datagrams that are none");
  const auto wrong_spi = [](const std::string& request) {
    return reject("12345678" + request.substr(8));
  };
  add_ike("ike-wrong-spi", wrong_spi, wrong_spi, "datagrams that are none.* SPI");
  const auto invalid_syntax = [](const std::string& request) { return notify(request, 7); };
  add_ike("ike-error", invalid_syntax, invalid_syntax,
          "expected an IKE_SA_INIT response, got INVALID_SYNTAX");
  {
    const LoopbackSocket closed(SOCK_DGRAM);
    ways_.push_back(
        {"ike-unreachable",
         "preset = \"ikev2\"\nnat_port = 0\nport = " + std::to_string(closed.port()) + "\n",
         ": port unreachable \\("});
  }

  // Others.
  add("mail-greeting",
      std::make_shared<VpnSite>(VpnSite::Options{.behaviour = SiteBehaviour::kPlainTcp}),
      "protocol = \"tcp\"\nexpect = \"250 \"\n", "no \"250 \" among the 28 bytes received");
  add_exec("program-says-no", "echo the cellar is flooded; exit 1", "the cellar is flooded");
  add_exec("program-crashes", "kill -SEGV $$", "ended by signal 11");
  add_exec("program-hangs", "sleep 60", "timed out after 700ms: the command has not ended");

  EXPECT_GE(ways_.size(), 40U);
  expect_all_told();
}

}  // namespace
}  // namespace gslb::blackbox
