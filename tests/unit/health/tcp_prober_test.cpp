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
