#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/check_state.h"
#include "health/health_monitor.h"

namespace gslb::health {

/// One monitor at one address, for all endpoints that ask for it. For the sources of HealthMonitor
/// only.
struct HealthMonitor::Check {
  base::IpAddress address;
  std::shared_ptr<const MonitorSpec> monitor;
  std::shared_ptr<const MonitorSpec> shallow;  ///< For SSTP in between; null: there is no such.
  CheckState state;
  std::vector<std::string> endpoints = {};  ///< That it speaks for.

  std::optional<SteadyTime> last_start = std::nullopt;
  std::optional<SteadyTime> last_deep_success = std::nullopt;
  std::optional<SteadyTime> failing_since = std::nullopt;
  std::chrono::microseconds lateness{0};     ///< Of the probe that is under way.
  std::unique_ptr<Pending> timer = nullptr;  ///< To the next probe, or for one that hangs.
  std::unique_ptr<Pending> probe = nullptr;  ///< Under way.
  bool is_deep = true;                       ///< The probe that is under way.

  std::optional<WallTime> probed_at = std::nullopt;
  std::chrono::microseconds elapsed{0};
  std::string detail = {};
  std::string fault = {};
  bool is_remembered = false;
  std::shared_ptr<const CertificateReport> certificate = nullptr;

  /// A timer or a result that arrives all the same is dropped.
  void halt() {
    timer.reset();
    probe.reset();
  }

  bool is_idle() const { return !timer && !probe; }
  bool is_failing() const {
    return state.consecutive_failures() > 0 || state.status() == base::EndpointStatus::kDegraded;
  }
  bool is_awaiting_evidence() const {
    return state.status() != base::EndpointStatus::kDegraded && state.consecutive_failures() > 0;
  }
};

/// "2026-11-24T13:00:00Z"
std::string format_utc(WallTime time);

/// The port of a monitor's protocol; 0 where it has none, or several.
std::uint16_t single_port(const MonitorSpec& monitor);

}  // namespace gslb::health
