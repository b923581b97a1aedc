#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/endpoint_status.h"
#include "base/ip_address.h"
#include "health/clock.h"
#include "health/prober.h"
#include "health/spec.h"

namespace gslb::health {

/// What the probes say about one endpoint.
struct EndpointReport {
  /// Over all checks: Degraded when one is, else CheckingEndpoint when one has no verdict yet, else
  /// Online. Unmonitored without checks.
  base::EndpointStatus status = base::EndpointStatus::kUnmonitored;
  /// Likewise over the checks that speak for A and for AAAA answers (TargetSpec).
  base::EndpointStatus ipv4 = base::EndpointStatus::kUnmonitored;
  base::EndpointStatus ipv6 = base::EndpointStatus::kUnmonitored;
  /// How long until the first failing check could turn Degraded, counted from the newest result.
  /// Answers should not be cached for longer. Nothing when no check is failing below its threshold.
  std::optional<std::chrono::milliseconds> degraded_in;
  /// Why the endpoint is Degraded, or what is failing although still tolerated: `monitor sstp at
  /// 127.0.1.2:443: expected status 401, got 404 (4 consecutive failures since
  /// 2026-11-24T13:00:00Z)`. Empty when nothing fails.
  std::string reason;

  bool operator==(const EndpointReport&) const = default;
};

/// Runs every monitor of every endpoint against every address of it, at its interval, and turns the
/// results into statuses. It knows no protocol (Prober), no profiles, and no operator overrides.
/// The status belongs to a *check*: one monitor at one address of one endpoint.
///
/// One thread, that of `clock` and `prober`, which must outlive it, as must `random`. The listener
/// may call every member function; it must not destroy the monitor.
class HealthMonitor {
 public:
  /// Called right from the completion of the probe that changed the status of the endpoint or of a
  /// family, or `degraded_in`. Not called by apply(): its caller asks for the reports it needs.
  using Listener = std::function<void(const std::string& endpoint, const EndpointReport& report)>;

  HealthMonitor(Clock& clock, Random& random, Prober& prober, Listener listener);
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;
  ~HealthMonitor();

  /// Probes exactly `targets` from now on (endpoint names are unique). A check goes on as it is
  /// when endpoint, address and what is probed are the same: new thresholds, intervals, timeouts
  /// and names of monitors keep its status and counters. Any other check starts at
  /// CheckingEndpoint, which is available.
  void apply(const std::vector<TargetSpec>& targets);

  /// All Unmonitored for an endpoint that is not probed.
  EndpointReport report(std::string_view endpoint) const;

  /// Ends all probes and timers; reports stay readable. apply() starts again.
  void stop();

 private:
  struct Check;
  using CheckPtr = std::shared_ptr<Check>;

  struct Endpoint {
    bool speaks_for_both_families = false;
    std::vector<CheckPtr> checks;
    EndpointReport report;
  };

  CheckPtr take_or_make(Endpoint* previous, const std::string& endpoint,
                        const base::IpAddress& address,
                        const std::shared_ptr<const MonitorSpec>& monitor);
  void adopt(const CheckPtr& check, std::shared_ptr<const MonitorSpec> monitor);
  void spread(const std::vector<CheckPtr>& idle);
  void schedule(const CheckPtr& check, SteadyTime when);
  void start_probe(const CheckPtr& check);
  void finish_probe(const CheckPtr& check, const ProbeResult& result);
  SteadyTime next_start(const Check& check);
  /// `endpoint_name` must outlive the listener's work: it may not be a key of `endpoints_`.
  void publish(const std::string& endpoint_name);

  static EndpointReport make_report(const Endpoint& endpoint);

  Clock& clock_;
  Random& random_;
  Prober& prober_;
  Listener listener_;
  std::unordered_map<std::string, Endpoint> endpoints_;
};

}  // namespace gslb::health
