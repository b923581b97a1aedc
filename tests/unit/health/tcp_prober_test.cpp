#include "health/tcp_prober.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/vpn_site.h"
#include "tests/unit/health/wait.h"

namespace gslb::health {
namespace {

using boost::asio::ip::tcp;
using support::SiteBehaviour;
using support::VpnSite;
using namespace std::chrono_literals;

const base::IpAddress kLoopback = base::IpAddress::v4({127, 0, 0, 1});

class TcpProberTest : public testing::Test {
 protected:
  static std::shared_ptr<const MonitorSpec> monitor(std::uint16_t port) {
    auto spec = std::make_shared<MonitorSpec>();
    spec->protocol = Protocol::kTcp;
    spec->port = port;
    spec->timeout = timeout_;
    return spec;
  }

  ProbeResult probe(std::uint16_t port, base::IpAddress address = kLoopback) {
    std::optional<ProbeResult> result;
    const auto pending =
        prober_.start(monitor(port), address, [&](const ProbeResult& found) { result = found; });
    EXPECT_FALSE(result) << "called back inside start()";
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{Outcome::kFailure, "no result", {}});
  }

  static inline std::chrono::milliseconds timeout_{5000};
  boost::asio::io_context io_;
  TcpProber prober_{io_};
};

TEST_F(TcpProberTest, AcceptedConnectionIsHealthy) {
  const VpnSite site;
  const ProbeResult result = probe(site.port());
  EXPECT_TRUE(result.success()) << result.detail;
  EXPECT_EQ(result.detail, "connection accepted");
  EXPECT_GT(result.elapsed, 0us);
  EXPECT_LT(result.elapsed, 5s);
}

TEST_F(TcpProberTest, IPv6) {
  const base::IpAddress loopback = *base::parse_ip_address("::1");
  VpnSite site({.listen = {loopback, 0}});
  EXPECT_TRUE(probe(site.port(), loopback).success());
}

TEST_F(TcpProberTest, ClosedPortIsRefused) {
  VpnSite site;
  site.set_behaviour(SiteBehaviour::kClosed);
  const ProbeResult result = probe(site.port());
  EXPECT_FALSE(result.success());
  EXPECT_EQ(result.detail, "connection refused");
}

/// A listener whose backlog is full drops further SYNs, like a firewall that drops silently.
class FullListener {
 public:
  explicit FullListener(boost::asio::io_context& io)
      : acceptor_(io, tcp::v4()), first_(io), second_(io) {
    acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
    acceptor_.listen(0);
    first_.connect(acceptor_.local_endpoint());
    second_.async_connect(acceptor_.local_endpoint(), [](boost::system::error_code) {});
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  tcp::acceptor acceptor_;
  tcp::socket first_;
  tcp::socket second_;
};

TEST_F(TcpProberTest, SilenceTimesOut) {
  const FullListener full(io_);
  timeout_ = 100ms;
  const ProbeResult result = probe(full.port());
  timeout_ = 5000ms;
  EXPECT_FALSE(result.success());
  EXPECT_EQ(result.detail, "timed out after 100ms: no connection");
  EXPECT_GE(result.elapsed, 100ms);
}

// With TLS, and with something to say.

class TcpConversation : public TcpProberTest {
 protected:
  ProbeResult probe(MonitorSpec monitor) {
    monitor.protocol = Protocol::kTcp;
    std::optional<ProbeResult> result;
    const auto pending = prober_.start(std::make_shared<const MonitorSpec>(monitor), kLoopback,
                                       [&](const ProbeResult& found) { result = found; });
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{Outcome::kFailure, "no result", {}});
  }

  static MonitorSpec to(const VpnSite& site) {
    MonitorSpec monitor;
    monitor.port = site.port();
    monitor.host = "vpn.example.com";
    monitor.timeout = 5000ms;
    return monitor;
  }
};

TEST_F(TcpConversation, AGreetingIsWaitedFor) {
  const VpnSite site({.behaviour = SiteBehaviour::kPlainTcp});
  MonitorSpec monitor = to(site);
  monitor.expect = "220 ";
  EXPECT_EQ(probe(monitor).detail, "received \"220 \"");
  monitor.expect = "250 ";
  monitor.timeout = 150ms;
  EXPECT_EQ(probe(monitor).detail,
            "timed out after 150ms: no \"250 \" among the 28 bytes received");
}

TEST_F(TcpConversation, AQuestionIsSentThroughTls) {
  const VpnSite site({.behaviour = SiteBehaviour::kStatus200});
  MonitorSpec monitor = to(site);
  monitor.tls = true;
  EXPECT_EQ(probe(monitor).detail, "TLS established");
  monitor.send = "GET /ready HTTP/1.0\r\n\r\n";
  monitor.expect = "It works";
  const ProbeResult result = probe(monitor);
  EXPECT_TRUE(result.success()) << result.detail;
  ASSERT_EQ(result.steps.size(), 3U);
  EXPECT_EQ(result.steps[0].what, "TCP connection");
  EXPECT_EQ(result.steps[1].what, "TLSv1.3 handshake");
  EXPECT_EQ(site.last_request().line, "GET /ready HTTP/1.0");
  EXPECT_EQ(site.last_request().sni, "vpn.example.com");
}

TEST_F(TcpConversation, EachWayToFailHasItsReason) {
  const struct {
    SiteBehaviour behaviour;
    const char* detail;
  } rows[] = {
      {SiteBehaviour::kClosed, "connection refused"},
      {SiteBehaviour::kPlainTcp,
       "TLS handshake failed: wrong version number (the peer does not speak TLS)"},
      {SiteBehaviour::kHangAfterAccept, "timed out after 150ms: connected, but no TLS handshake"},
      {SiteBehaviour::kCloseAfterTls, "connection closed before \"Welcome\" was received"},
      {SiteBehaviour::kResetAfterTls, "connection reset before \"Welcome\" was received"},
      {SiteBehaviour::kEndlessBody, "first 64 KiB received do not contain \"Welcome\""},
  };
  VpnSite site;
  for (const auto& row : rows) {
    site.set_behaviour(row.behaviour);
    MonitorSpec monitor = to(site);
    monitor.tls = true;
    monitor.send = "GET / HTTP/1.1\r\n\r\n";
    monitor.expect = "Welcome";
    if (row.behaviour == SiteBehaviour::kHangAfterAccept) monitor.timeout = 150ms;
    EXPECT_EQ(probe(monitor).detail, row.detail);
  }
}

TEST_F(TcpConversation, TheCertificateIsHeldAgainstTheHost) {
  const VpnSite site;
  MonitorSpec monitor = to(site);
  monitor.tls = true;
  monitor.certificate.policy = CertificatePolicy::kRequire;
  EXPECT_EQ(probe(monitor).detail, "certificate is self-signed");
}

TEST_F(TcpProberTest, CancelledProbeNeverCallsBack) {
  const VpnSite site;
  bool called = false;
  auto pending =
      prober_.start(monitor(site.port()), kLoopback, [&](const ProbeResult&) { called = true; });
  pending.reset();
  io_.run();  // Returns because neither the socket nor the timer is left.
  EXPECT_FALSE(called);
}

TEST_F(TcpProberTest, HandleMayBeDestroyedInTheCallback) {
  const VpnSite site;
  std::unique_ptr<Pending> pending;
  bool called = false;
  pending = prober_.start(monitor(site.port()), kLoopback, [&](const ProbeResult&) {
    pending.reset();
    called = true;
  });
  EXPECT_TRUE(run_until(io_, [&] { return called; }));
}

}  // namespace
}  // namespace gslb::health
