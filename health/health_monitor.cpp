#include "health/health_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "health/check.h"
#include "health/check_state.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

using base::EndpointStatus;
using std::chrono::milliseconds;

/// New checks start within this much for each of them, so that a start-up sends at most about 100
/// probes a second and still knows a small configuration at once.
constexpr milliseconds kSpreadPerCheck{10};

/// Intervals are shortened by up to this share, so that probes of many checks and of several gslbd
/// never fall into step. Never lengthened: a site that dies is Degraded after at most
/// interval × (tolerated_failures + 1) + timeout, whatever the dice say.
constexpr double kMaxJitter = 0.1;

/// How long a prober may be late before it is given up.
constexpr std::chrono::seconds kHungAfter{10};

SteadyTime::duration scaled(milliseconds duration, double factor) {
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
  same_pace.deep_interval = a.deep_interval;
  same_pace.certificate = a.certificate;
  return a == same_pace;
}

/// Also as often, and with the same patience.
bool is_same_but_for_name(const MonitorSpec& a, const MonitorSpec& b) {
  MonitorSpec same_name = b;
  same_name.name = a.name;
  return a == same_name;
}

/// Of all checks that are the same, and of few others.
std::string key_of(const base::IpAddress& address, const MonitorSpec& monitor) {
  return fmt::format("{} {} {}", base::to_string(address), monitor.port,
                     static_cast<unsigned>(monitor.protocol));
}

/// What is asked of SSTP between two probes of the whole ladder.
std::shared_ptr<const MonitorSpec> make_shallow(const MonitorSpec& monitor) {
  const bool has_both = monitor.protocol == Protocol::kSstp && monitor.deep_interval.count() > 0 &&
                        monitor.sstp_level != SstpLevel::kTls;
  if (!has_both) return nullptr;
  auto shallow = std::make_shared<MonitorSpec>(monitor);
  shallow->sstp_level = SstpLevel::kTls;
  return shallow;
}

Thresholds thresholds_of(const MonitorSpec& monitor, const ProbingSpec& probing) {
  const milliseconds edge = probing.edge_interval;
  return {monitor.tolerated_failures, monitor.recoveries,
          edge.count() > 0 ? std::min(edge, monitor.interval) : monitor.interval};
}

bool differ_for_listener(const EndpointReport& a, const EndpointReport& b) {
  return a.status != b.status || a.ipv4 != b.ipv4 || a.ipv6 != b.ipv6 ||
         a.degraded_in != b.degraded_in || a.warnings != b.warnings;
}

}  // namespace

HealthMonitor::HealthMonitor(Clock& clock, Random& random, Prober& prober, Listener listener)
    : clock_(clock),
      random_(random),
      prober_(prober),
      listener_(std::move(listener)),
      guard_(clock, prober, [this] { on_isolation(); }) {}

HealthMonitor::~HealthMonitor() { stop(); }

void HealthMonitor::set_isolation_listener(std::function<void()> listener) {
  isolation_listener_ = std::move(listener);
}

void HealthMonitor::apply(const std::vector<TargetSpec>& targets, const ProbingSpec& probing) {
  if (probing.max_probes_per_second != probing_.max_probes_per_second || checks_.empty()) {
    total_cap_ = RateCap(probing.max_probes_per_second);
  }
  if (probing.max_probes_per_target != probing_.max_probes_per_target) target_caps_.clear();
  std::erase_if(target_caps_,
                [now = clock_.now()](const auto& entry) { return entry.second.is_idle(now); });
  probing_ = probing;
  guard_.set_canaries(probing.canaries);

  auto previous = std::exchange(endpoints_, {});
  const auto previous_checks = std::exchange(checks_, {});
  for (const auto& [key, check] : previous_checks) check->endpoints.clear();
  std::vector<CheckPtr> idle;
  keep_checks(targets, previous, idle);
  for (const auto& [key, check] : previous_checks) {
    if (!check->endpoints.empty()) continue;
    check->halt();
    forget_certificate(*check);
  }
  for (const TargetSpec& target : targets) {
    Endpoint& endpoint = endpoints_[target.endpoint];
    endpoint.report = make_report(target.endpoint, endpoint);
  }
  spread(idle);
}

/// Fills `endpoints_` and `checks_`. First with what goes on, so that what is new can share it.
void HealthMonitor::keep_checks(const std::vector<TargetSpec>& targets, Endpoints& previous,
                                std::vector<CheckPtr>& idle) {
  for (const bool goes_on : {true, false}) {
    for (const TargetSpec& target : targets) {
      const auto found = previous.find(target.endpoint);
      Endpoint* const before = found == previous.end() ? nullptr : &found->second;
      Endpoint& endpoint = endpoints_[target.endpoint];
      const std::size_t count = target.addresses.size() * target.monitors.size();
      if (endpoint.members.size() != count) {
        endpoint.speaks_for_both_families = target.speaks_for_both_families;
        endpoint.required = target.required == 0 ? target.monitors.size() : target.required;
        endpoint.failback_delay = target.failback_delay;
        endpoint.members.resize(count);
        if (before != nullptr) {
          endpoint.lanes = before->lanes;
          endpoint.release = std::move(before->release);
        }
      }
      auto member = endpoint.members.begin();
      for (const auto& address : target.addresses) {
        for (const auto& monitor : target.monitors) {
          Member& slot = *member++;
          if (slot.check) continue;
          CheckPtr check = find_equal(address, *monitor);
          if (!check) check = take(before, address, monitor);
          if (!check && goes_on) continue;
          if (!check) check = make(target.endpoint, address, monitor);
          if (check->endpoints.empty()) {
            checks_.emplace(key_of(address, *check->monitor), check);
            if (check->is_idle()) idle.push_back(check);
          }
          if (check->endpoints.empty() || check->endpoints.back() != target.endpoint) {
            check->endpoints.push_back(target.endpoint);
          }
          slot = {std::move(check), monitor};
        }
      }
    }
  }
}

/// One that runs already, for another endpoint.
HealthMonitor::CheckPtr HealthMonitor::find_equal(const base::IpAddress& address,
                                                  const MonitorSpec& monitor) const {
  const auto [begin, end] = checks_.equal_range(key_of(address, monitor));
  for (auto it = begin; it != end; ++it) {
    if (is_same_but_for_name(*it->second->monitor, monitor)) return it->second;
  }
  return nullptr;
}

/// Takes the check out of `previous` that probes the same, by preference one whose monitor also has
/// the same name, so that two monitors which only differ in name do not swap their counters. Where
/// another endpoint goes on with it in another way, a copy of what it knows.
HealthMonitor::CheckPtr HealthMonitor::take(Endpoint* previous, const base::IpAddress& address,
                                            const std::shared_ptr<const MonitorSpec>& monitor) {
  if (previous == nullptr) return nullptr;
  auto& members = previous->members;
  auto best = members.end();
  for (auto it = members.begin(); it != members.end(); ++it) {
    if (it->check->address != address || !probes_the_same(*it->check->monitor, *monitor)) continue;
    const bool same_name = it->monitor->name == monitor->name;
    if (best == members.end() || same_name) best = it;
    if (same_name) break;
  }
  if (best == members.end()) return nullptr;
  CheckPtr check = std::move(best->check);
  members.erase(best);
  if (!check->endpoints.empty()) {
    auto copy = std::make_shared<Check>(Check{.address = address,
                                              .monitor = monitor,
                                              .shallow = make_shallow(*monitor),
                                              .state = check->state});
    copy->probed_at = check->probed_at;
    copy->detail = check->detail;
    copy->failing_since = check->failing_since;
    copy->state.set_thresholds(thresholds_of(*monitor, probing_));
    return copy;
  }
  adopt(check, monitor);
  return check;
}

HealthMonitor::CheckPtr HealthMonitor::make(const std::string& endpoint,
                                            const base::IpAddress& address,
                                            const std::shared_ptr<const MonitorSpec>& monitor) {
  auto check = std::make_shared<Check>(
      Check{.address = address,
            .monitor = monitor,
            .shallow = make_shallow(*monitor),
            .state = CheckState(thresholds_of(*monitor, probing_), clock_.wall_now())});
  const auto [begin, end] = remembered_.equal_range(endpoint);
  const auto found = std::find_if(begin, end, [&](const auto& entry) {
    return entry.second.monitor == monitor->name && entry.second.address == address;
  });
  if (found != end) {
    const RememberedCheck& known = found->second;
    check->state.restore(known.status, known.since, known.reason);
    check->probed_at = known.probed_at;
    check->is_remembered = true;
    remembered_.erase(found);
  }
  return check;
}

/// Goes on with `monitor`, which probes the same. A probe under way ends as it began.
void HealthMonitor::adopt(const CheckPtr& check, std::shared_ptr<const MonitorSpec> monitor) {
  const bool same_pace = check->monitor->interval == monitor->interval;
  check->state.set_thresholds(thresholds_of(*monitor, probing_));
  check->shallow = make_shallow(*monitor);
  check->monitor = std::move(monitor);
  if (check->monitor->certificate.policy == CertificatePolicy::kIgnore) {
    note_certificate(*check, nullptr);
  }
  const bool is_waiting = check->timer && !check->probe;
  if (!same_pace && is_waiting && check->last_start) schedule(check, next_start(*check));
}

EndpointReport HealthMonitor::report(std::string_view endpoint) const {
  const auto found = endpoints_.find(std::string(endpoint));
  return found == endpoints_.end() ? EndpointReport{} : found->second.report;
}

void HealthMonitor::stop() {
  guard_.stop();
  for (const auto& [key, check] : checks_) check->halt();
  for (auto& [name, endpoint] : endpoints_) endpoint.release.reset();
}

/// First probes at uniformly random points of a window that grows with their number.
void HealthMonitor::spread(const std::vector<CheckPtr>& idle) {
  const milliseconds window = kSpreadPerCheck * idle.size();
  const SteadyTime now = clock_.now();
  for (const auto& check : idle) {
    schedule(check, now + scaled(std::min(window, check->monitor->interval), random_.uniform()));
  }
}

void HealthMonitor::schedule(const CheckPtr& check, SteadyTime when) {
  check->timer = clock_.call_at(when, [this, when, weak = std::weak_ptr(check)] {
    const auto strong = weak.lock();
    if (strong && strong->timer && !strong->probe) admit(strong, when);
  });
}

/// Starts the probe when the caps allow it.
void HealthMonitor::admit(const CheckPtr& check, SteadyTime planned) {
  const SteadyTime now = clock_.now();
  RateCap& target =
      target_caps_.try_emplace(check->address, probing_.max_probes_per_target).first->second;
  const SteadyTime start = std::max(total_cap_.take(now), target.take(now));
  if (start <= now) return start_probe(check, planned);
  ++stats_.capped;
  check->timer = clock_.call_at(start, [this, planned, weak = std::weak_ptr(check)] {
    const auto strong = weak.lock();
    if (strong && strong->timer && !strong->probe) start_probe(strong, planned);
  });
}

void HealthMonitor::start_probe(const CheckPtr& check, SteadyTime planned) {
  const SteadyTime now = clock_.now();
  check->lateness = std::chrono::duration_cast<std::chrono::microseconds>(now - planned);
  check->last_start = now;
  // A fault that the whole ladder has found is looked for again until it is gone.
  check->is_deep = !check->shallow || !check->last_deep_success ||
                   now - *check->last_deep_success >= check->monitor->deep_interval;
  const auto& monitor = check->is_deep ? check->monitor : check->shallow;
  check->timer =
      clock_.call_at(now + monitor->timeout + kHungAfter, [this, weak = std::weak_ptr(check)] {
        const auto strong = weak.lock();
        if (strong && strong->probe) give_up(strong);
      });
  check->probe = prober_.start(monitor, check->address,
                               [this, weak = std::weak_ptr(check)](const ProbeResult& result) {
                                 const auto strong = weak.lock();
                                 if (strong && strong->probe) finish_probe(strong, result);
                               });
}

/// The prober owes a result. It says nothing about the site.
void HealthMonitor::give_up(const CheckPtr& check) {
  ++stats_.hung;
  finish_probe(check, {Outcome::kLocalFault,
                       fmt::format("the probe has not ended within {}",
                                   format_duration(check->monitor->timeout + kHungAfter)),
                       check->monitor->timeout + kHungAfter});
}

void HealthMonitor::note_lateness(std::chrono::microseconds lateness) {
  const auto& bounds = ProbingStats::kBounds;
  ++stats_.lateness[static_cast<std::size_t>(std::ranges::lower_bound(bounds, lateness) -
                                             bounds.begin())];
  stats_.lateness_sum += lateness;
  // Of about the last hundred probes.
  constexpr double kShare = 0.01;
  recent_lateness_ += (std::chrono::duration<double>(lateness) - recent_lateness_) * kShare;
}

void HealthMonitor::finish_probe(const CheckPtr& check, const ProbeResult& result) {
  note_lateness(check->lateness + result.waited);
  // Kept to the end: the callback that is running belongs to it.
  const auto probe = std::move(check->probe);
  const WallTime now = clock_.wall_now();
  check->fault = result.outcome == Outcome::kLocalFault ? result.detail : "";
  if (result.outcome != Outcome::kLocalFault) {
    check->probed_at = now;
    check->elapsed = result.elapsed;
    check->detail = result.detail;
    check->is_remembered = false;
    if (result.certificate) note_certificate(*check, result.certificate);
  }
  switch (result.outcome) {
    case Outcome::kSuccess:
      ++stats_.successes;
      if (check->is_deep) check->last_deep_success = check->last_start;
      check->failing_since.reset();
      check->state.record_success(now);
      break;
    case Outcome::kFailure:
      ++stats_.failures;
      check->last_deep_success.reset();
      record_failure(check, result.detail);
      break;
    case Outcome::kLocalFault:
      ++stats_.local_faults;
      break;
  }
  // Before the listener, which may apply() a configuration without this check.
  schedule(check, next_start(*check));
  if (result.success()) guard_.record_success();
  publish(check);
}

void HealthMonitor::record_failure(const CheckPtr& check, const std::string& detail) {
  if (!check->failing_since) check->failing_since = *check->last_start;
  const bool decides = check->state.is_on_edge();
  const bool may_degrade = !decides || guard_.may_degrade(*check->failing_since);
  check->state.record_failure(detail, clock_.wall_now(), may_degrade);
}

/// Isolation began or ended, or a canary has answered: what waited for evidence has it now.
void HealthMonitor::on_isolation() {
  const bool is_over = !guard_.isolated_since();
  std::vector<CheckPtr> changed;
  for (const auto& [key, check] : checks_) {
    if (is_over && was_isolated_ && check->is_awaiting_evidence()) {
      // It may well have been this host: only what fails from now on counts.
      check->state.forgive();
      check->failing_since.reset();
      changed.push_back(check);
    } else if (is_over && check->state.is_overdue() && guard_.may_degrade(*check->failing_since)) {
      check->state.degrade(clock_.wall_now());
      changed.push_back(check);
    }
  }
  const bool has_changed = std::exchange(was_isolated_, !is_over) == is_over;
  for (const auto& check : changed) publish(check);
  if (has_changed && isolation_listener_) isolation_listener_();
}

std::chrono::milliseconds HealthMonitor::pace(const Check& check) const {
  const milliseconds interval = check.monitor->interval;
  const milliseconds edge = probing_.edge_interval;
  const bool hurries = edge.count() > 0 && check.state.is_changing();
  return hurries ? std::min(edge, interval) : interval;
}

/// Counted from the start of the previous probe, so that slow answers do not stretch the interval;
/// never before the previous one has ended.
SteadyTime HealthMonitor::next_start(const Check& check) {
  const double factor = 1.0 - kMaxJitter * random_.uniform();
  return std::max(clock_.now(), *check.last_start + scaled(pace(check), factor));
}

void HealthMonitor::publish(const CheckPtr& check) {
  const std::vector<std::string> names = check->endpoints;  // The listener may apply() others.
  for (const std::string& name : names) publish(name);
}

void HealthMonitor::publish(const std::string& endpoint_name) {
  const auto found = endpoints_.find(endpoint_name);
  if (found == endpoints_.end()) return;
  EndpointReport report = make_report(endpoint_name, found->second);
  const bool changed = differ_for_listener(report, found->second.report);
  found->second.report = report;
  if (!changed || !listener_) return;
  // Nothing that lives in `endpoints_`, because the listener may apply() another configuration.
  listener_(endpoint_name, report);
}

}  // namespace gslb::health
