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
  std::chrono::milliseconds interval{30'000};  ///< Between probes while it is about to.
};

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
  /// `reason` says what was expected and what came. With `may_degrade` false the status stays
  /// however many failures there have been; a later one decides.
  void record_failure(std::string reason, WallTime now, bool may_degrade = true);
  /// Failures that have not led to Degraded are taken back: they were not the site's.
  void forgive();
  /// Goes on from what was known once.
  void restore(base::EndpointStatus status, WallTime since, std::string reason);
  /// True when the next failure makes it Degraded.
  bool is_on_edge() const;
  /// True when it has failed often enough to be Degraded, but was not allowed to be.
  bool is_overdue() const {
    return status_ != base::EndpointStatus::kDegraded && failures_ > thresholds_.tolerated_failures;
  }
  void degrade(WallTime now) { enter(base::EndpointStatus::kDegraded, now); }
  /// True while results have begun to speak against the status.
  bool is_changing() const;

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
