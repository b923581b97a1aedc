#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/endpoint_status.h"
#include "health/clock.h"
#include "health/spec.h"

namespace gslb::health {

/// When a check changes its mind.
struct Thresholds {
  unsigned tolerated_failures = 3;
  unsigned recoveries = 1;
  std::chrono::milliseconds interval{30'000};
};

inline Thresholds thresholds_of(const MonitorSpec& monitor) {
  return {monitor.tolerated_failures, monitor.recoveries, monitor.interval};
}

/// What one check (a monitor at an address) thinks of its site: a pure state machine that is fed
/// with probe results. It knows no clock, no timers and no network. One thread.
///
///   CheckingEndpoint ──first success──────────────────────────► Online
///   CheckingEndpoint, Online ──failures > tolerated_failures──► Degraded
///   Degraded ──`recoveries` successes in a row────────────────► Online
class CheckState {
 public:
  explicit CheckState(Thresholds thresholds, WallTime now)
      : thresholds_(thresholds), status_since_(now) {}

  void record_success(WallTime now);
  /// `reason` says what was expected and what came.
  void record_failure(std::string reason, WallTime now);

  /// Takes effect with the next result: changing numbers alone never changes the status.
  void set_thresholds(Thresholds thresholds) { thresholds_ = thresholds; }

  /// kCheckingEndpoint, kOnline or kDegraded.
  base::EndpointStatus status() const { return status_; }
  WallTime status_since() const { return status_since_; }
  unsigned consecutive_failures() const { return failures_; }
  unsigned consecutive_successes() const { return successes_; }
  unsigned recoveries() const { return thresholds_.recoveries; }

  /// The text of the newest failure; empty while Online or CheckingEndpoint without a failure in
  /// sight.
  const std::string& reason() const { return reason_; }
  /// When the current run of failures began; meaningful while consecutive_failures() > 0.
  WallTime failing_since() const { return failing_since_; }

  /// How long until this check could go Degraded, counted from the newest result; nothing while it
  /// is not failing or already Degraded.
  std::optional<std::chrono::milliseconds> degraded_in() const;

 private:
  void enter(base::EndpointStatus status, WallTime now);

  Thresholds thresholds_;
  base::EndpointStatus status_ = base::EndpointStatus::kCheckingEndpoint;
  WallTime status_since_;
  unsigned failures_ = 0;
  unsigned successes_ = 0;
  std::string reason_;
  WallTime failing_since_{};
};

}  // namespace gslb::health
