#include "health/health_monitor.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "health/check_state.h"

namespace gslb::health {
namespace {

using base::EndpointStatus;

/// New checks start within this much for each of them, so that a start-up sends at most about 100
/// probes a second and still knows a small configuration at once.
constexpr std::chrono::milliseconds kSpreadPerCheck{10};

/// Intervals are shortened by up to this share, so that probes of many checks and of several gslbd
/// never fall into step. Never lengthened: a site that dies is Degraded after at most
/// interval × (tolerated_failures + 1) + timeout, whatever the dice say.
constexpr double kMaxJitter = 0.1;

SteadyTime::duration scaled(std::chrono::milliseconds duration, double factor) {
  return std::chrono::duration_cast<SteadyTime::duration>(
      std::chrono::duration<double, std::milli>(static_cast<double>(duration.count()) * factor));
}

/// True when both find the same thing out, whatever they are called and however often they ask.
bool probes_the_same(const MonitorSpec& a, const MonitorSpec& b) {
  MonitorSpec same_pace = b;
  same_pace.name = a.name;
  same_pace.interval = a.interval;
  same_pace.timeout = a.timeout;
  same_pace.tolerated_failures = a.tolerated_failures;
  same_pace.recoveries = a.recoveries;
  return a == same_pace;
}

std::string format_utc(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

/// Degraded beats CheckingEndpoint beats Online beats Unmonitored (no check at all).
EndpointStatus worse(EndpointStatus a, EndpointStatus b) {
  for (const auto status :
       {EndpointStatus::kDegraded, EndpointStatus::kCheckingEndpoint, EndpointStatus::kOnline}) {
    if (a == status || b == status) return status;
  }
  return EndpointStatus::kUnmonitored;
}

bool differ_for_listener(const EndpointReport& a, const EndpointReport& b) {
  return a.status != b.status || a.ipv4 != b.ipv4 || a.ipv6 != b.ipv6 ||
         a.degraded_in != b.degraded_in;
}

}  // namespace

/// One monitor at one address of one endpoint. At most one of `timer` and `probe` is set.
struct HealthMonitor::Check {
  std::string endpoint;
  base::IpAddress address;
  std::shared_ptr<const MonitorSpec> monitor;
  CheckState state;
  std::optional<SteadyTime> last_start;
  std::unique_ptr<Pending> timer;
  std::unique_ptr<Pending> probe;

  /// A timer or a result that arrives all the same is dropped.
  void halt() {
    timer.reset();
    probe.reset();
  }

  bool is_idle() const { return !timer && !probe; }
  bool is_failing() const {
    return state.consecutive_failures() > 0 || state.status() == EndpointStatus::kDegraded;
  }
  std::string describe_failure() const;
};

std::string HealthMonitor::Check::describe_failure() const {
  // IKEv2 has two ports, which its reason names.
  const std::string place = monitor->protocol == Protocol::kIkev2
                                ? base::to_string(address)
                                : base::to_string(base::SocketAddress{address, monitor->port});
  const std::string what =
      fmt::format("monitor {} at {}: {}", monitor->name, place, state.reason());
  if (const unsigned failures = state.consecutive_failures(); failures > 0) {
    return fmt::format("{} ({} consecutive failure{} since {})", what, failures,
                       failures == 1 ? "" : "s", format_utc(state.failing_since()));
  }
  return fmt::format("{} (recovering, {} of {} successes; Degraded since {})", what,
                     state.consecutive_successes(), state.recoveries(),
                     format_utc(state.status_since()));
}

HealthMonitor::HealthMonitor(Clock& clock, Random& random, Prober& prober, Listener listener)
    : clock_(clock), random_(random), prober_(prober), listener_(std::move(listener)) {}

HealthMonitor::~HealthMonitor() { stop(); }

void HealthMonitor::apply(const std::vector<TargetSpec>& targets) {
  auto previous = std::exchange(endpoints_, {});
  std::vector<CheckPtr> idle;
  for (const TargetSpec& target : targets) {
    const auto found = previous.find(target.endpoint);
    Endpoint* const before = found == previous.end() ? nullptr : &found->second;
    Endpoint& endpoint = endpoints_[target.endpoint];
    endpoint.speaks_for_both_families = target.speaks_for_both_families;
    for (const auto& address : target.addresses) {
      for (const auto& monitor : target.monitors) {
        auto check = take_or_make(before, target.endpoint, address, monitor);
        if (check->is_idle()) idle.push_back(check);
        endpoint.checks.push_back(std::move(check));
      }
    }
    endpoint.report = make_report(endpoint);
  }
  for (auto& [name, endpoint] : previous) {
    for (const auto& check : endpoint.checks) check->halt();
  }
  spread(idle);
}

EndpointReport HealthMonitor::report(std::string_view endpoint) const {
  const auto found = endpoints_.find(std::string(endpoint));
  return found == endpoints_.end() ? EndpointReport{} : found->second.report;
}

void HealthMonitor::stop() {
  for (auto& [name, endpoint] : endpoints_) {
    for (const auto& check : endpoint.checks) check->halt();
  }
}

/// Takes the check out of `previous` that probes the same, by preference one whose monitor also has
/// the same name, so that two monitors which only differ in name do not swap their counters.
HealthMonitor::CheckPtr HealthMonitor::take_or_make(
    Endpoint* previous, const std::string& endpoint, const base::IpAddress& address,
    const std::shared_ptr<const MonitorSpec>& monitor) {
  if (previous != nullptr) {
    auto& checks = previous->checks;
    auto best = checks.end();
    for (auto it = checks.begin(); it != checks.end(); ++it) {
      if ((*it)->address != address || !probes_the_same(*(*it)->monitor, *monitor)) continue;
      const bool same_name = (*it)->monitor->name == monitor->name;
      if (best == checks.end() || same_name) best = it;
      if (same_name) break;
    }
    if (best != checks.end()) {
      CheckPtr check = std::move(*best);
      checks.erase(best);
      adopt(check, monitor);
      return check;
    }
  }
  return std::make_shared<Check>(
      Check{.endpoint = endpoint,
            .address = address,
            .monitor = monitor,
            .state = CheckState(thresholds_of(*monitor), clock_.wall_now()),
            .last_start = {},
            .timer = {},
            .probe = {}});
}

/// Goes on with `monitor`, which probes the same. A probe under way ends as it began.
void HealthMonitor::adopt(const CheckPtr& check, std::shared_ptr<const MonitorSpec> monitor) {
  const bool same_pace = check->monitor->interval == monitor->interval;
  check->state.set_thresholds(thresholds_of(*monitor));
  check->monitor = std::move(monitor);
  if (!same_pace && check->timer && check->last_start) schedule(check, next_start(*check));
}

/// First probes at uniformly random points of a window that grows with their number.
void HealthMonitor::spread(const std::vector<CheckPtr>& idle) {
  const std::chrono::milliseconds window = kSpreadPerCheck * idle.size();
  const SteadyTime now = clock_.now();
  for (const auto& check : idle) {
    schedule(check, now + scaled(std::min(window, check->monitor->interval), random_.uniform()));
  }
}

void HealthMonitor::schedule(const CheckPtr& check, SteadyTime when) {
  check->timer = clock_.call_at(when, [this, weak = std::weak_ptr(check)] {
    const auto strong = weak.lock();
    if (strong && strong->timer) start_probe(strong);
  });
}

void HealthMonitor::start_probe(const CheckPtr& check) {
  check->timer.reset();
  check->last_start = clock_.now();
  check->probe = prober_.start(check->monitor, check->address,
                               [this, weak = std::weak_ptr(check)](const ProbeResult& result) {
                                 const auto strong = weak.lock();
                                 if (strong && strong->probe) finish_probe(strong, result);
                               });
}

void HealthMonitor::finish_probe(const CheckPtr& check, const ProbeResult& result) {
  // Kept to the end: the callback that is running belongs to it.
  const auto probe = std::move(check->probe);
  const WallTime now = clock_.wall_now();
  if (result.success) {
    check->state.record_success(now);
  } else {
    check->state.record_failure(result.detail, now);
  }
  // Before the listener, which may apply() a configuration without this check.
  schedule(check, next_start(*check));
  publish(check->endpoint);
}

/// Counted from the start of the previous probe, so that slow answers do not stretch the interval;
/// never before the previous one has ended.
SteadyTime HealthMonitor::next_start(const Check& check) {
  const double factor = 1.0 - kMaxJitter * random_.uniform();
  return std::max(clock_.now(), *check.last_start + scaled(check.monitor->interval, factor));
}

void HealthMonitor::publish(const std::string& endpoint_name) {
  const auto found = endpoints_.find(endpoint_name);
  if (found == endpoints_.end()) return;
  EndpointReport report = make_report(found->second);
  const bool changed = differ_for_listener(report, found->second.report);
  found->second.report = report;
  if (!changed || !listener_) return;
  // Nothing that lives in `endpoints_`, because the listener may apply() another configuration.
  listener_(endpoint_name, report);
}

EndpointReport HealthMonitor::make_report(const Endpoint& endpoint) {
  EndpointReport report;
  const Check* failing = nullptr;
  std::size_t failing_count = 0;
  for (const auto& check : endpoint.checks) {
    const EndpointStatus status = check->state.status();
    report.status = worse(report.status, status);
    const bool both = endpoint.speaks_for_both_families;
    if (both || check->address.is_v4()) report.ipv4 = worse(report.ipv4, status);
    if (both || check->address.is_v6()) report.ipv6 = worse(report.ipv6, status);
    const auto degraded_in = check->state.degraded_in();
    if (degraded_in && (!report.degraded_in || *degraded_in < *report.degraded_in)) {
      report.degraded_in = degraded_in;
    }
    if (!check->is_failing()) continue;
    ++failing_count;
    // A Degraded check explains more than one that is only failing.
    const bool degraded = status == EndpointStatus::kDegraded;
    if (!failing || (degraded && failing->state.status() != EndpointStatus::kDegraded)) {
      failing = check.get();
    }
  }
  if (failing != nullptr) report.reason = failing->describe_failure();
  if (failing_count > 1) {
    report.reason += fmt::format("; and {} more failing", failing_count - 1);
  }
  return report;
}

}  // namespace gslb::health
