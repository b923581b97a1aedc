#include "app/status_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace gslb::app {
namespace {

using base::EndpointStatus;
using routing::ProfileEndpointSpec;
using routing::ProfileId;
using routing::ProfileSpec;
using routing::ProfileStatus;

/// Reports each profile once, those that lie within others before them.
class Reporter {
 public:
  Reporter(const Config& config, const routing::RoutingState& state,
           std::span<const EndpointStatus> statuses, std::span<const std::string> reasons)
      : config_(config),
        endpoints_(state.endpoints),
        statuses_(statuses),
        reasons_(reasons),
        judge_(state),
        reports_(config.profiles.size()) {}

  const ProfileReport& profile(ProfileId id) {
    std::optional<ProfileReport>& known = reports_[id];
    if (known) return *known;
    const ProfileSpec& spec = config_.profiles[id];
    ProfileReport report;
    report.id = id;
    for (std::size_t i = 0; i < spec.endpoints.size(); ++i) {
      EntryReport entry = target_of(spec.endpoints[i]);
      entry.status = routing::entry_status(spec.enabled, spec.endpoints[i].enabled, entry.status);
      if (entry.status == EndpointStatus::kInactive) entry.reason = "the profile is disabled";
      if (entry.status == EndpointStatus::kDisabled &&
          (!spec.endpoints[i].enabled || entry.reason.empty())) {
        entry.reason = "disabled by configuration";
      }
      entry.is_serving = spec.enabled && is_in(id, i);
      report.serving += entry.is_serving ? 1 : 0;
      report.entries.push_back(std::move(entry));
    }
    report.status = routing::profile_status(spec.enabled, statuses_of(report));
    known = std::move(report);
    return *known;
  }

 private:
  static std::vector<EndpointStatus> statuses_of(const ProfileReport& report) {
    std::vector<EndpointStatus> statuses;
    for (const EntryReport& entry : report.entries) statuses.push_back(entry.status);
    return statuses;
  }

  bool is_in(ProfileId id, std::size_t entry) {
    return routing::is_in(judge_.verdicts(id, routing::Family::kIpv4)[entry]) ||
           routing::is_in(judge_.verdicts(id, routing::Family::kIpv6)[entry]);
  }

  /// The entry as if it and its profile were enabled.
  EntryReport target_of(const ProfileEndpointSpec& entry) {
    if (entry.nested) return nested_target(entry);
    const routing::EndpointSpec& endpoint = endpoints_[entry.endpoint];
    EntryReport report{endpoint.name, false, statuses_[entry.endpoint], false, ""};
    if (entry.always_serve) {
      if (endpoint.enabled) report.status = EndpointStatus::kUnmonitored;
    } else {
      report.reason = reasons_[entry.endpoint];
    }
    return report;
  }

  EntryReport nested_target(const ProfileEndpointSpec& entry) {
    const ProfileReport& child = profile(*entry.nested);
    const ProfileSpec& spec = config_.profiles[*entry.nested];
    EntryReport report{spec.name, true, EndpointStatus::kUnmonitored, false, ""};
    if (entry.always_serve && spec.enabled) return report;
    report.status = routing::nested_status(child.status, statuses_of(child), entry.min_children);
    if (report.status == EndpointStatus::kStopped) {
      report.reason = child.status == ProfileStatus::kDisabled
                          ? fmt::format("profile {} is disabled", spec.name)
                          : fmt::format("no entry of profile {} is active", spec.name);
    } else if (report.status == EndpointStatus::kDegraded) {
      report.reason =
          fmt::format("{} of {} entries of profile {} can be answered; it takes {}", child.serving,
                      child.entries.size(), spec.name, entry.min_children);
    }
    return report;
  }

  const Config& config_;
  std::span<const routing::EndpointSpec> endpoints_;
  std::span<const EndpointStatus> statuses_;
  std::span<const std::string> reasons_;
  routing::Judge judge_;
  std::vector<std::optional<ProfileReport>> reports_;
};

std::string reason_of(EndpointStatus status, const std::string& reason) {
  if (status == EndpointStatus::kDisabled) {
    return reason.empty() ? "disabled by configuration" : reason;
  }
  if (status == EndpointStatus::kInactive) return "no enabled profile uses it";
  return reason;
}

}  // namespace

StatusReport make_status_report(const Config& config, const routing::RoutingState& state,
                                std::span<const EndpointStatus> statuses,
                                std::span<const std::string> reasons) {
  StatusReport report;
  for (routing::EndpointId id = 0; id < config.endpoints.size(); ++id) {
    report.endpoints.push_back(
        {id, statuses[id], reason_of(statuses[id], reasons[id]), state.states[id].load, {}});
  }
  Reporter reporter(config, state, statuses, reasons);
  for (ProfileId id = 0; id < config.profiles.size(); ++id) {
    report.profiles.push_back(reporter.profile(id));
    for (const ProfileEndpointSpec& entry : config.profiles[id].endpoints) {
      if (entry.nested) continue;
      report.endpoints[entry.endpoint].used_by.push_back(config.profiles[id].name);
    }
  }
  return report;
}

}  // namespace gslb::app
