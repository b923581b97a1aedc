// What HealthMonitor tells of its checks.

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "health/check.h"
#include "health/health_monitor.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

using base::EndpointStatus;

/// Less is not worth telling.
constexpr std::chrono::duration<double> kNotableLateness{1};

template <typename Check>
std::string describe_failure(const Check& check, const MonitorSpec& monitor) {
  const std::string what = fmt::format("monitor {} at {}: {}", monitor.name,
                                       format_place(monitor, check.address), check.state.reason());
  if (const unsigned failures = check.state.consecutive_failures(); failures > 0) {
    return fmt::format("{} ({} consecutive failure{} since {})", what, failures,
                       failures == 1 ? "" : "s", format_utc(check.state.failing_since()));
  }
  if (check.is_remembered) {
    return fmt::format("{} (Degraded since {}; last probed at {}, before a restart)", what,
                       format_utc(check.state.status_since()), format_utc(*check.probed_at));
  }
  return fmt::format("{} (recovering, {} of {} successes; Degraded since {})", what,
                     check.state.consecutive_successes(), check.state.recoveries(),
                     format_utc(check.state.status_since()));
}

}  // namespace

std::string format_utc(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::uint16_t single_port(const MonitorSpec& monitor) {
  switch (monitor.protocol) {
    case Protocol::kHttp:
    case Protocol::kHttps:
    case Protocol::kTcp:
    case Protocol::kSstp:
      return monitor.port;
    case Protocol::kIcmp:
    case Protocol::kIkev2:  // Its reasons name the port.
    case Protocol::kExec:
      break;
  }
  return 0;
}

std::string format_place(const MonitorSpec& monitor, const base::IpAddress& address) {
  const std::uint16_t port = single_port(monitor);
  return port == 0 ? base::to_string(address) : base::to_string(base::SocketAddress{address, port});
}

EndpointReport HealthMonitor::make_report(const std::string& name, Endpoint& endpoint) {
  EndpointReport report;
  const Member* failing = nullptr;
  std::size_t failing_count = 0;
  Verdict all;
  Verdict ipv4;
  Verdict ipv6;
  const auto& members = endpoint.members;
  for (auto first = members.begin(); first != members.end();) {
    // The monitors of one address stand together.
    const auto last = std::find_if(first, members.end(), [&](const auto& m) {
      return m.check->address != first->check->address;
    });
    std::vector<Verdict> verdicts;
    for (auto it = first; it != last; ++it) {
      verdicts.push_back({it->check->state.status(), it->check->state.degraded_in()});
    }
    const Verdict verdict = combine(verdicts, std::min(endpoint.required, verdicts.size()));
    all = worse(all, verdict);
    const bool both = endpoint.speaks_for_both_families;
    if (both || first->check->address.is_v4()) ipv4 = worse(ipv4, verdict);
    if (both || first->check->address.is_v6()) ipv6 = worse(ipv6, verdict);
    first = last;
  }
  report.status = all.status;
  report.ipv4 = ipv4.status;
  report.ipv6 = ipv6.status;
  report.degraded_in = all.degraded_in;
  for (const Member& member : members) {
    add_warnings(member, report.warnings);
    if (!member.check->is_failing()) continue;
    ++failing_count;
    // A Degraded check explains more than one that is only failing.
    const auto is_degraded = [](const Member& m) {
      return m.check->state.status() == EndpointStatus::kDegraded;
    };
    if (!failing || (is_degraded(member) && !is_degraded(*failing))) failing = &member;
  }
  if (failing != nullptr) report.reason = describe_failure(*failing->check, *failing->monitor);
  if (failing_count > 1) report.reason += fmt::format("; and {} more failing", failing_count - 1);
  hold_down(name, endpoint, report);
  return report;
}

/// What has recovered stays Degraded for `failback_delay`, and for as long again where it fails
/// meanwhile.
void HealthMonitor::hold_down(const std::string& name, Endpoint& endpoint, EndpointReport& report) {
  const SteadyTime now = clock_.now();
  EndpointStatus* const statuses[] = {&report.status, &report.ipv4, &report.ipv6};
  std::optional<SteadyTime> next;
  for (std::size_t i = 0; i < endpoint.lanes.size(); ++i) {
    Lane& lane = endpoint.lanes[i];
    EndpointStatus& status = *statuses[i];
    if (status == EndpointStatus::kDegraded) {
      lane.held_until.reset();
    } else if (lane.status == EndpointStatus::kDegraded && endpoint.failback_delay.count() > 0) {
      lane.held_until = now + endpoint.failback_delay;
    }
    lane.status = status;
    if (!lane.held_until) continue;
    if (*lane.held_until <= now || status == EndpointStatus::kUnmonitored) {
      lane.held_until.reset();
      continue;
    }
    status = EndpointStatus::kDegraded;
    if (!next || *lane.held_until < *next) next = lane.held_until;
  }
  if (!next) {
    endpoint.release.reset();
    return;
  }
  const auto left = std::chrono::ceil<std::chrono::seconds>(*next - now);
  report.degraded_in.reset();
  if (report.reason.empty()) {
    report.reason =
        fmt::format("healthy again, held back by failback_delay = \"{}\" until {}",
                    format_duration(endpoint.failback_delay), format_utc(clock_.wall_now() + left));
  }
  endpoint.release = clock_.call_at(*next, [this, name] { publish(name); });
}

void HealthMonitor::add_warnings(const Member& member, std::vector<std::string>& warnings) const {
  const Check& check = *member.check;
  const std::string whose = fmt::format("monitor {} at {}: ", member.monitor->name,
                                        format_place(*member.monitor, check.address));
  if (!check.fault.empty()) {
    warnings.push_back(whose + "cannot be probed: " + check.fault);
  }
  if (!check.certificate) return;
  const auto add = [&](const std::string& text) {
    warnings.push_back(whose + "the certificate " + text);
  };
  for (const std::string& text : check.certificate->errors) add(text);
  for (const std::string& text : check.certificate->warnings) add(text);
  const auto found = certificates_.find(check.monitor->host);
  if (found != certificates_.end() && found->second.size() > 1) {
    add(fmt::format("of {} is not the same at all sites: there are {}", check.monitor->host,
                    found->second.size()));
  }
}

void HealthMonitor::note_certificate(Check& check,
                                     std::shared_ptr<const CertificateReport> certificate) {
  if (check.certificate && certificate &&
      check.certificate->fingerprint == certificate->fingerprint) {
    check.certificate = std::move(certificate);  // Its warnings change with time.
    return;
  }
  forget_certificate(check);
  check.certificate = std::move(certificate);
  if (check.certificate && !check.monitor->host.empty()) {
    ++certificates_[check.monitor->host][check.certificate->fingerprint];
  }
}

void HealthMonitor::forget_certificate(const Check& check) {
  if (!check.certificate) return;
  const auto host = certificates_.find(check.monitor->host);
  if (host == certificates_.end()) return;
  const auto found = host->second.find(check.certificate->fingerprint);
  if (found != host->second.end() && --found->second == 0) host->second.erase(found);
  if (host->second.empty()) certificates_.erase(host);
}

std::vector<CheckReport> HealthMonitor::checks(std::string_view endpoint) const {
  std::vector<CheckReport> reports;
  const auto found = endpoints_.find(std::string(endpoint));
  if (found == endpoints_.end()) return reports;
  for (const auto& [check, monitor] : found->second.members) {
    CheckReport report;
    report.monitor = monitor->name;
    report.address = check->address;
    report.port = single_port(*monitor);
    report.status = check->state.status();
    report.since = check->state.status_since();
    report.consecutive_failures = check->state.consecutive_failures();
    report.reason = check->state.reason();
    report.probed_at = check->probed_at;
    report.elapsed = check->elapsed;
    report.detail = check->detail;
    report.fault = check->fault;
    report.is_remembered = check->is_remembered;
    report.certificate = check->certificate;
    reports.push_back(std::move(report));
  }
  return reports;
}

void HealthMonitor::remember(std::vector<RememberedCheck> checks) {
  remembered_.clear();
  for (RememberedCheck& check : checks) {
    std::string endpoint = check.endpoint;
    remembered_.emplace(std::move(endpoint), std::move(check));
  }
}

std::vector<RememberedCheck> HealthMonitor::memory() const {
  std::vector<RememberedCheck> checks;
  for (const auto& [name, endpoint] : endpoints_) {
    for (const auto& [check, monitor] : endpoint.members) {
      if (!check->probed_at || check->state.status() == EndpointStatus::kCheckingEndpoint) continue;
      checks.push_back({name, monitor->name, check->address, check->state.status(),
                        check->state.status_since(), check->state.reason(), *check->probed_at});
    }
  }
  return checks;
}

std::vector<std::string> HealthMonitor::faults() const {
  std::map<std::string, std::size_t> counts;
  for (const auto& [key, check] : checks_) {
    if (!check->fault.empty()) ++counts[check->fault];
  }
  std::vector<std::string> lines;
  for (const auto& [fault, count] : counts) {
    lines.push_back(
        fmt::format("{} check{} cannot be run: {}", count, count == 1 ? "" : "s", fault));
  }
  if (recent_lateness_ >= kNotableLateness) {
    lines.push_back(
        fmt::format("probes start {:.0f} s late: there is more to probe than this host, or the "
                    "limits of [health], can do",
                    recent_lateness_.count()));
  }
  return lines;
}

}  // namespace gslb::health
