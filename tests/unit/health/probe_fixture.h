#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "health/prober.h"
#include "tests/unit/health/wait.h"

namespace gslb::health {

inline const base::IpAddress kLoopback = base::IpAddress::v4({127, 0, 0, 1});

/// Runs one probe after another by a prober on its own io_context.
template <typename Prober>
class ProberTest : public testing::Test {
 protected:
  ProbeResult probe(const MonitorSpec& monitor, const base::IpAddress& address = kLoopback) {
    std::optional<ProbeResult> result;
    const auto pending = prober_.start(std::make_shared<const MonitorSpec>(monitor), address,
                                       [&](const ProbeResult& found) { result = found; });
    EXPECT_FALSE(result) << "called back inside start()";
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{Outcome::kFailure, "no result", {}});
  }

  /// Cancels a probe at once, and one that is `under_way`.
  template <typename Condition>
  void expect_silence_after_cancel(const MonitorSpec& monitor, Condition under_way) {
    for (const bool at_once : {true, false}) {
      bool called = false;
      auto pending = prober_.start(std::make_shared<const MonitorSpec>(monitor), kLoopback,
                                   [&](const ProbeResult&) { called = true; });
      if (!at_once) {
        ASSERT_TRUE(run_until(io_, under_way));
      }
      pending.reset();
      io_.restart();
      io_.run();  // Returns because nothing is left of it.
      EXPECT_FALSE(called);
    }
  }

  boost::asio::io_context io_;
  Prober prober_{io_};
};

}  // namespace gslb::health
