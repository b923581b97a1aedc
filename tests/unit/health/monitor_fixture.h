#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "health/health_monitor.h"
#include "tests/unit/health/fakes.h"

namespace gslb::health {

using base::EndpointStatus;
using base::IpAddress;
using namespace std::chrono_literals;

inline constexpr auto kChecking = EndpointStatus::kCheckingEndpoint;
inline constexpr auto kOnline = EndpointStatus::kOnline;
inline constexpr auto kDegraded = EndpointStatus::kDegraded;
inline constexpr auto kUnmonitored = EndpointStatus::kUnmonitored;

inline const IpAddress kFirst = IpAddress::v4({127, 0, 1, 1});
inline const IpAddress kSecond = IpAddress::v4({127, 0, 1, 2});
inline const IpAddress kV6 = *base::parse_ip_address("2001:db8::1");

inline MonitorSpec sstp() {
  MonitorSpec monitor;
  monitor.name = "sstp";
  monitor.expected_status = {{401, 401}};
  monitor.interval = 10s;
  monitor.timeout = 5s;
  monitor.tolerated_failures = 1;
  return monitor;
}

inline TargetSpec target(std::string endpoint, std::vector<IpAddress> addresses,
                         std::vector<MonitorSpec> monitors = {sstp()}) {
  TargetSpec spec;
  spec.endpoint = std::move(endpoint);
  spec.addresses = std::move(addresses);
  for (auto& monitor : monitors) {
    spec.monitors.push_back(std::make_shared<const MonitorSpec>(std::move(monitor)));
  }
  return spec;
}

/// A HealthMonitor in virtual time, with a prober that does what the test says.
class HealthMonitorTest : public testing::Test {
 protected:
  struct Event {
    std::string endpoint;
    EndpointReport report;
  };

  /// To the next probe of every check, whatever the jitter, and all of them end with `success`.
  void round(bool success, const std::string& detail = "no") {
    clock_.advance(10s);
    prober_.finish_running(success, detail);
  }

  EndpointStatus status(const std::string& endpoint) { return monitor_.report(endpoint).status; }

  FakeClock clock_;
  FakeRandom random_;
  FakeProber prober_{clock_};
  std::vector<Event> events_;
  std::function<void()> then_;  // Runs once, inside the listener.
  HealthMonitor monitor_{clock_, random_, prober_,
                         [this](const std::string& endpoint, const EndpointReport& report) {
                           events_.push_back({endpoint, report});
                           if (then_) std::exchange(then_, nullptr)();
                         }};
};

}  // namespace gslb::health
