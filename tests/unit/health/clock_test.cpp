#include "health/clock.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>

#include "tests/unit/health/wait.h"

namespace gslb::health {
namespace {

using namespace std::chrono_literals;

TEST(AsioClock, CallsOnceAtItsTime) {
  boost::asio::io_context io;
  AsioClock clock(io);
  int calls = 0;
  const auto when = clock.now() + 5ms;
  const auto timer = clock.call_at(when, [&] {
    EXPECT_GE(clock.now(), when);
    ++calls;
  });
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(run_until(io, [&] { return calls > 0; }));
  io.restart();
  io.run();
  EXPECT_EQ(calls, 1);
}

TEST(AsioClock, PastTimeCallsLaterNotInside) {
  boost::asio::io_context io;
  AsioClock clock(io);
  bool called = false;
  const auto timer = clock.call_at(clock.now() - 1h, [&] { called = true; });
  EXPECT_FALSE(called);
  io.run();
  EXPECT_TRUE(called);
}

TEST(AsioClock, DestroyingTheHandleCancels) {
  boost::asio::io_context io;
  AsioClock clock(io);
  bool called = false;
  auto timer = clock.call_at(clock.now(), [&] { called = true; });
  timer.reset();
  io.run();
  EXPECT_FALSE(called);
}

TEST(AsioClock, DestroyingTheHandleCancelsACallThatIsQueued) {
  boost::asio::io_context io;
  AsioClock clock(io);
  // Both are due when the reactor looks: the first runs while the second waits in the queue.
  bool called = false;
  std::unique_ptr<Pending> second;
  const auto now = clock.now();
  const auto first = clock.call_at(now, [&] { second.reset(); });
  second = clock.call_at(now + 1us, [&] { called = true; });
  while (clock.now() < now + 1ms) {
  }
  io.run();
  EXPECT_FALSE(called);
}

TEST(AsioClock, HandleMayBeDestroyedInItsOwnCallback) {
  boost::asio::io_context io;
  AsioClock clock(io);
  const auto witness = std::make_shared<int>(1);
  std::unique_ptr<Pending> timer;
  int seen = 0;
  timer = clock.call_at(clock.now(), [&timer, &seen, witness] {
    timer.reset();
    seen = *witness;
  });
  io.run();
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(SeededRandom, StaysInRangeAndRepeatsForASeed) {
  SeededRandom first(7);
  SeededRandom second(7);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    const double value = first.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ASSERT_EQ(value, second.uniform());
    sum += value;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
}

}  // namespace
}  // namespace gslb::health
