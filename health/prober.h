#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/ip_address.h"
#include "health/pending.h"
#include "health/spec.h"

namespace gslb::health {

/// What one probe found.
struct ProbeResult {
  bool success = false;
  /// One line of plain English without control characters. Of a failure: what was expected and what
  /// came, or how far the probe got. Of a success: what came.
  std::string detail;
  std::chrono::microseconds elapsed{0};
};

/// The protocol part of a health check: does one probe and reports. It schedules nothing, counts
/// nothing and remembers nothing between two probes; that is HealthMonitor. One thread.
class Prober {
 public:
  using Callback = std::function<void(const ProbeResult&)>;

  virtual ~Prober() = default;

  /// Probes `address` once as `monitor` says. `callback` is called exactly once, after this
  /// function has returned and within about `monitor->timeout`, unless the result is destroyed
  /// before.
  [[nodiscard]] virtual std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                                       const base::IpAddress& address,
                                                       Callback callback) = 0;
};

}  // namespace gslb::health
