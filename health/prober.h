#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "health/certificate.h"
#include "health/pending.h"
#include "health/spec.h"

namespace gslb::health {

enum class Outcome : std::uint8_t {
  kSuccess,
  kFailure,
  kLocalFault,  ///< This host could not ask: no descriptors left, not permitted. Says nothing.
};

/// What a probe got done, and when.
struct ProbeStep {
  std::string what;                    ///< "TCP connection", "status 401"
  std::chrono::microseconds after{0};  ///< Since the probe began.
};

/// What one probe found.
struct ProbeResult {
  Outcome outcome = Outcome::kFailure;
  /// One line of plain English without control characters. Of a failure: what was expected and what
  /// came, or how far the probe got. Of a success: what came.
  std::string detail;
  std::chrono::microseconds elapsed{0};
  std::vector<ProbeStep> steps = {};  ///< In their order.
  /// How long it had to wait before it could begin; not part of `elapsed`.
  std::chrono::microseconds waited{0};
  /// What the server showed, where the monitor asks for it and the handshake got so far.
  std::shared_ptr<const CertificateReport> certificate = nullptr;

  bool success() const { return outcome == Outcome::kSuccess; }
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
