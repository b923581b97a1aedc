#include "health/threaded_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <optional>
#include <thread>

#include "health/protocol_prober.h"
#include "health/resolver.h"
#include "tests/support/vpn_site.h"
#include "tests/unit/health/fakes.h"
#include "tests/unit/health/probe_fixture.h"

namespace gslb::health {
namespace {

using namespace std::chrono_literals;

class ThreadedProberTest : public testing::Test {
 protected:
  static std::shared_ptr<const MonitorSpec> tcp(std::uint16_t port) {
    auto monitor = std::make_shared<MonitorSpec>();
    monitor->protocol = Protocol::kTcp;
    monitor->port = port;
    monitor->timeout = 5s;
    return monitor;
  }

  /// Of a site that accepts and says nothing.
  static std::shared_ptr<const MonitorSpec> tls(std::uint16_t port) {
    auto monitor = std::make_shared<MonitorSpec>(*tcp(port));
    monitor->tls = true;
    return monitor;
  }

  static std::unique_ptr<Prober> make_real(boost::asio::io_context& io) {
    return std::make_unique<ProtocolProber>(io);
  }

  boost::asio::io_context io_;
  FakeClock clock_;
};

TEST_F(ThreadedProberTest, ProbesElsewhereAndReportsHere) {
  const support::VpnSite site;
  ThreadedProber prober(io_, clock_, make_real, {});
  std::optional<ProbeResult> result;
  std::thread::id where;
  const auto pending = prober.start(tcp(site.port()), kLoopback, [&](const ProbeResult& found) {
    result = found;
    where = std::this_thread::get_id();
  });
  ASSERT_TRUE(run_until(io_, [&] { return result.has_value(); }));
  EXPECT_EQ(result->detail, "connection accepted");
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST_F(ThreadedProberTest, CancelledProbeNeverCallsBack) {
  support::VpnSite site({.behaviour = support::SiteBehaviour::kHangAfterAccept});
  ThreadedProber prober(io_, clock_, make_real, {});
  for (int i = 0; i < 50; ++i) {
    auto pending = prober.start(tls(site.port()), kLoopback,
                                [](const ProbeResult&) { ADD_FAILURE() << "called back"; });
    pending.reset();
  }
  prober.stop();
  io_.run_for(20ms);
}

TEST_F(ThreadedProberTest, MayEndWithProbesUnderWay) {
  support::VpnSite site({.behaviour = support::SiteBehaviour::kHangAfterAccept});
  std::unique_ptr<Pending> pending;
  {
    ThreadedProber prober(io_, clock_, make_real, {});
    pending = prober.start(tls(site.port()), kLoopback,
                           [](const ProbeResult&) { ADD_FAILURE() << "called back"; });
    ASSERT_TRUE(run_until(io_, [&] { return site.connections() > 0; }));
  }
  pending.reset();
  io_.run_for(10ms);
}

/// Blocks the thread in its first probe, until it is let go.
class HangingProber final : public Prober {
 public:
  HangingProber(std::shared_future<void> release, std::shared_ptr<std::atomic<int>> started)
      : release_(std::move(release)), started_(std::move(started)) {}
  std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec>, const base::IpAddress&,
                                 Callback) override {
    ++*started_;
    release_.wait();
    return nullptr;
  }

 private:
  std::shared_future<void> release_;
  std::shared_ptr<std::atomic<int>> started_;
};

TEST_F(ThreadedProberTest, AThreadThatHangsIsReplaced) {
  const support::VpnSite site;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto started = std::make_shared<std::atomic<int>>(0);
  std::atomic<int> made = 0;
  int hangs = 0;
  ThreadedProber prober(
      io_, clock_,
      [&](boost::asio::io_context& io) -> std::unique_ptr<Prober> {
        if (made++ == 0) return std::make_unique<HangingProber>(released, started);
        return make_real(io);
      },
      [&] { ++hangs; });
  // What is asked goes round first, so that the thread owes nothing.
  ASSERT_TRUE(run_until(io_, [&] { return made == 1; }));
  const auto lost = prober.start(tcp(site.port()), kLoopback, [](const ProbeResult&) {});
  ASSERT_TRUE(run_until(io_, [&] { return *started == 1; }));
  for (int second = 0; second < 13 && hangs == 0; ++second) {
    clock_.advance(1s);
    io_.restart();
    io_.poll();
  }
  EXPECT_EQ(hangs, 1);
  EXPECT_TRUE(prober.hung_at());
  std::optional<ProbeResult> result;
  const auto pending =
      prober.start(tcp(site.port()), kLoopback, [&](const ProbeResult& found) { result = found; });
  EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
  release.set_value();
}

/// Its probes run out of time; the thread stands still meanwhile where the test wants it.
class LateProber final : public Prober {
 public:
  LateProber(boost::asio::io_context& io, std::chrono::milliseconds stall)
      : io_(io), stall_(stall) {}
  std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor, const base::IpAddress&,
                                 Callback callback) override {
    boost::asio::post(io_, [this, monitor, callback] {
      std::this_thread::sleep_for(stall_);
      callback({Outcome::kFailure, "timed out", monitor->timeout});
    });
    return std::make_unique<Pending>();
  }

 private:
  boost::asio::io_context& io_;
  std::chrono::milliseconds stall_;
};

TEST_F(ThreadedProberTest, AProbeThatRanOutOfTimeWhileTheThreadStoodStillIsALocalFault) {
  for (const auto stall : {0ms, 2000ms}) {
    ThreadedProber prober(
        io_, clock_,
        [stall](boost::asio::io_context& io) { return std::make_unique<LateProber>(io, stall); },
        {});
    std::optional<ProbeResult> result;
    const auto pending =
        prober.start(tcp(1), kLoopback, [&](const ProbeResult& found) { result = found; });
    ASSERT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    if (stall == 0ms) {
      EXPECT_EQ(result->outcome, Outcome::kFailure);
      EXPECT_EQ(result->detail, "timed out");
    } else {
      EXPECT_EQ(result->outcome, Outcome::kLocalFault);
      EXPECT_THAT(result->detail,
                  testing::StartsWith("this host is too busy, probing stood still for "));
    }
  }
}

TEST_F(ThreadedProberTest, AThreadThatAnswersIsKept) {
  int hangs = 0;
  ThreadedProber prober(io_, clock_, make_real, [&] { ++hangs; });
  for (int second = 0; second < 60; ++second) {
    clock_.advance(1s);
    // The answer comes back before the next second is asked about.
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < deadline) {
      io_.restart();
      if (io_.run_one_for(5ms) > 0) break;
    }
  }
  EXPECT_EQ(hangs, 0);
}

TEST(SystemResolver, AThreadThatHangsIsReplacedAndTold) {
  boost::asio::io_context io;
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  SystemResolver resolver(
      io,
      [released](const std::string& host) -> Resolver::Result {
        if (host == "slow.example.com") released.wait();
        return std::vector{kLoopback};
      },
      60ms);
  EXPECT_EQ(resolver.problem(), "");
  const auto slow = resolver.resolve("slow.example.com", [](const auto&) { ADD_FAILURE(); });
  bool waiting_answered = false;
  const auto waiting =
      resolver.resolve("waiting.example.com", [&](const auto&) { waiting_answered = true; });
  ASSERT_TRUE(run_until(io, [&] { return !resolver.problem().empty(); }));
  EXPECT_EQ(resolver.problem(),
            "the resolver of this host has not answered for 0 s, asked for slow.example.com");
  EXPECT_FALSE(waiting_answered);
  // The next question finds out that the thread hangs.
  bool answered = false;
  std::unique_ptr<Pending> pending;
  ASSERT_TRUE(run_until(io, [&] {
    pending = resolver.resolve("good.example.com", [&](const auto&) { answered = true; });
    io.run_for(10ms);
    io.restart();
    return answered;
  }));
  EXPECT_TRUE(waiting_answered) << "what was waiting goes on";
  EXPECT_EQ(resolver.problem(), "");
  release.set_value();
}

}  // namespace
}  // namespace gslb::health
