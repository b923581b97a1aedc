#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/endpoint_status.h"
#include "base/ip_address.h"
#include "health/clock.h"
#include "health/isolation_guard.h"
#include "health/prober.h"
#include "health/rate_cap.h"
#include "health/spec.h"
#include "health/verdict.h"

namespace gslb::health {

/// What the probes say about one endpoint.
struct EndpointReport {
  /// Over all addresses: Degraded when one is, else CheckingEndpoint when one has no verdict yet,
  /// else Online. Unmonitored without checks.
  base::EndpointStatus status = base::EndpointStatus::kUnmonitored;
  /// Likewise over the addresses that speak for A and for AAAA answers (TargetSpec).
  base::EndpointStatus ipv4 = base::EndpointStatus::kUnmonitored;
  base::EndpointStatus ipv6 = base::EndpointStatus::kUnmonitored;
  /// How long until failing checks could turn it Degraded, counted from the newest result. Answers
  /// should not be cached for longer. Nothing when no such change is in sight.
  std::optional<std::chrono::milliseconds> degraded_in;
  /// Why the endpoint is Degraded, or what is failing although still tolerated: `monitor sstp at
  /// 127.0.1.2:443: expected status 401, got 404 (4 consecutive failures since
  /// 2026-11-24T13:00:00Z)`. Empty when nothing fails.
  std::string reason;
  /// What should be mended although clients are served: certificates, checks that cannot be run.
  std::vector<std::string> warnings = {};

  bool operator==(const EndpointReport&) const = default;
};

/// What one check says: a monitor at an address of an endpoint.
struct CheckReport {
  std::string monitor;
  base::IpAddress address;
  std::uint16_t port = 0;  ///< 0: the protocol has none, or several.
  base::EndpointStatus status = base::EndpointStatus::kCheckingEndpoint;
  WallTime since{};
  unsigned consecutive_failures = 0;
  std::string reason;                    ///< Of the newest failure; empty while none is in sight.
  std::optional<WallTime> probed_at;     ///< When the newest probe ended.
  std::chrono::microseconds elapsed{0};  ///< How long it took.
  std::string detail;                    ///< What it found.
  std::string fault;                     ///< Why it could not be run, if it could not.
  bool is_remembered = false;            ///< From before a restart: not probed since.
  std::shared_ptr<const CertificateReport>
      certificate;  ///< The newest that was shown; may be null.
};

/// "127.0.1.2:443"; the address alone where the protocol has no port, or several.
std::string format_place(const MonitorSpec& monitor, const base::IpAddress& address);

/// A check as it is kept over a restart.
struct RememberedCheck {
  std::string endpoint;
  std::string monitor;
  base::IpAddress address;
  base::EndpointStatus status = base::EndpointStatus::kCheckingEndpoint;
  WallTime since{};
  std::string reason;
  WallTime probed_at{};

  bool operator==(const RememberedCheck&) const = default;
};

/// Counters since the start.
struct ProbingStats {
  /// Upper bounds of the buckets of `lateness`; the last bucket has none.
  static constexpr std::array<std::chrono::milliseconds, 8> kBounds{
      std::chrono::milliseconds{1},   std::chrono::milliseconds{2},   std::chrono::milliseconds{5},
      std::chrono::milliseconds{10},  std::chrono::milliseconds{20},  std::chrono::milliseconds{50},
      std::chrono::milliseconds{100}, std::chrono::milliseconds{1000}};

  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
  std::uint64_t local_faults = 0;
  std::uint64_t hung = 0;    ///< Of the local faults: probes whose end never came.
  std::uint64_t capped = 0;  ///< Probes that waited for max_probes_per_second or …_per_target.
  /// How many probes started so much later than they were scheduled for.
  std::array<std::uint64_t, kBounds.size() + 1> lateness{};
  std::chrono::microseconds lateness_sum{0};
};

/// Runs every monitor of every endpoint against every address of it, at its interval, and turns the
/// results into statuses. It knows no protocol (Prober), no profiles, and no operator overrides.
/// The status belongs to a *check*: one monitor at one address. Endpoints that ask the same of the
/// same address share it.
///
/// One thread, that of `clock` and `prober`, which must outlive it, as must `random`. The listener
/// may call every member function; it must not destroy the monitor.
class HealthMonitor {
 public:
  /// Called right from the completion of the probe that changed the status of the endpoint or of a
  /// family, `degraded_in` or the warnings. Not called by apply(): its caller asks for the reports
  /// it needs.
  using Listener = std::function<void(const std::string& endpoint, const EndpointReport& report)>;

  HealthMonitor(Clock& clock, Random& random, Prober& prober, Listener listener);
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;
  ~HealthMonitor();

  /// Called when isolation begins or ends.
  void set_isolation_listener(std::function<void()> listener);

  /// Probes exactly `targets` from now on (endpoint names are unique). A check goes on as it is
  /// when endpoint, address and what is probed are the same: new thresholds, intervals, timeouts
  /// and names of monitors keep its status and counters. Any other check starts as it is
  /// remembered, or else at CheckingEndpoint, which is available.
  void apply(const std::vector<TargetSpec>& targets, const ProbingSpec& probing = {});

  /// All Unmonitored for an endpoint that is not probed.
  EndpointReport report(std::string_view endpoint) const;
  /// By address and monitor, in the order of the configuration.
  std::vector<CheckReport> checks(std::string_view endpoint) const;

  /// Checks that apply() is to start from; each is used once at most.
  void remember(std::vector<RememberedCheck> checks);
  /// Those that have a verdict, to be remembered.
  std::vector<RememberedCheck> memory() const;

  const IsolationGuard& isolation() const { return guard_; }
  const ProbingStats& stats() const { return stats_; }
  /// Why checks cannot be run, one line for each reason with the number of checks, and that they
  /// are run late; empty when nothing is the matter.
  std::vector<std::string> faults() const;

  /// Ends all probes and timers; reports stay readable. apply() starts again.
  void stop();

 private:
  struct Check;
  using CheckPtr = std::shared_ptr<Check>;

  /// A check as one endpoint sees it.
  struct Member {
    CheckPtr check;
    std::shared_ptr<const MonitorSpec> monitor;  ///< By the endpoint's own name for it.
  };

  /// A status that comes back late (failback_delay).
  struct Lane {
    base::EndpointStatus status = base::EndpointStatus::kUnmonitored;
    std::optional<SteadyTime> held_until;
  };

  struct Endpoint {
    bool speaks_for_both_families = false;
    std::size_t required = 0;
    std::chrono::milliseconds failback_delay{0};
    std::vector<Member> members;
    EndpointReport report;
    std::array<Lane, 3> lanes;  ///< Of status, ipv4 and ipv6.
    std::unique_ptr<Pending> release;
  };
  using Endpoints = std::unordered_map<std::string, Endpoint>;

  void keep_checks(const std::vector<TargetSpec>& targets, Endpoints& previous,
                   std::vector<CheckPtr>& idle);
  CheckPtr find_equal(const base::IpAddress& address, const MonitorSpec& monitor) const;
  CheckPtr take(Endpoint* previous, const base::IpAddress& address,
                const std::shared_ptr<const MonitorSpec>& monitor);
  CheckPtr make(const std::string& endpoint, const base::IpAddress& address,
                const std::shared_ptr<const MonitorSpec>& monitor);
  void adopt(const CheckPtr& check, std::shared_ptr<const MonitorSpec> monitor);
  std::chrono::milliseconds pace(const Check& check) const;
  void spread(const std::vector<CheckPtr>& idle);
  void schedule(const CheckPtr& check, SteadyTime when);
  void admit(const CheckPtr& check, SteadyTime planned);
  void start_probe(const CheckPtr& check, SteadyTime planned);
  void give_up(const CheckPtr& check);
  void note_lateness(std::chrono::microseconds lateness);
  void finish_probe(const CheckPtr& check, const ProbeResult& result);
  void record_failure(const CheckPtr& check, const std::string& detail);
  void on_isolation();
  SteadyTime next_start(const Check& check);
  void note_certificate(Check& check, std::shared_ptr<const CertificateReport> certificate);
  void forget_certificate(const Check& check);
  void publish(const CheckPtr& check);
  /// `endpoint_name` must outlive the listener's work: it may not be a key of `endpoints_`.
  void publish(const std::string& endpoint_name);

  EndpointReport make_report(const std::string& name, Endpoint& endpoint);
  void hold_down(const std::string& name, Endpoint& endpoint, EndpointReport& report);
  void add_warnings(const Member& member, std::vector<std::string>& warnings) const;

  Clock& clock_;
  Random& random_;
  Prober& prober_;
  Listener listener_;
  std::function<void()> isolation_listener_;
  IsolationGuard guard_;
  bool was_isolated_ = false;
  ProbingSpec probing_;
  RateCap total_cap_;
  std::map<base::IpAddress, RateCap> target_caps_;
  Endpoints endpoints_;
  /// What runs, by address.
  std::unordered_multimap<std::string, CheckPtr> checks_;
  std::multimap<std::string, RememberedCheck, std::less<>> remembered_;  ///< By endpoint.
  /// How many checks see each certificate of a host, by fingerprint.
  std::map<std::string, std::map<std::string, std::size_t>, std::less<>> certificates_;
  ProbingStats stats_;
  std::chrono::duration<double> recent_lateness_{0};  ///< On average.
};

}  // namespace gslb::health
