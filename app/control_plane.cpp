#include "app/control_plane.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "app/client_policy.h"
#include "app/config_diff.h"
#include "app/zone_profiles.h"
#include "routing/compile.h"

namespace gslb::app {
namespace {

using base::EndpointStatus;
using routing::EndpointId;

/// Which endpoints an enabled profile uses, and which of them its health matters to.
struct Usage {
  bool used = false;
  bool health_matters = false;
};

std::vector<Usage> endpoint_usage(const Config& config) {
  std::vector<Usage> usage(config.endpoints.size());
  for (const routing::ProfileSpec& profile : config.profiles) {
    if (!profile.enabled) continue;
    for (const routing::ProfileEndpointSpec& entry : profile.endpoints) {
      if (!entry.enabled || entry.nested) continue;
      usage[entry.endpoint].used = true;
      if (!entry.always_serve) usage[entry.endpoint].health_matters = true;
    }
  }
  return usage;
}

/// The status of an endpoint that is not probed; nothing for one that is.
std::optional<EndpointStatus> unprobed_status(const EndpointConfig& endpoint, const Usage& usage) {
  if (!endpoint.routing.enabled) return EndpointStatus::kDisabled;
  if (!usage.used) return EndpointStatus::kInactive;
  if (endpoint.monitors.empty() || !usage.health_matters) return EndpointStatus::kUnmonitored;
  return std::nullopt;
}

health::TargetSpec make_target(const EndpointConfig& endpoint) {
  health::TargetSpec target;
  target.endpoint = endpoint.routing.name;
  target.monitors = endpoint.monitors;
  if (endpoint.probe_address) {
    target.addresses = {*endpoint.probe_address};
    target.speaks_for_both_families = true;
  } else {
    target.addresses = endpoint.routing.ipv4;
    target.addresses.insert(target.addresses.end(), endpoint.routing.ipv6.begin(),
                            endpoint.routing.ipv6.end());
  }
  return target;
}

/// Adds the endpoints of a profile and of all that lie within it.
void add_endpoints_of(const Config& config, std::size_t profile, std::set<EndpointId>& endpoints) {
  for (const routing::ProfileEndpointSpec& entry : config.profiles[profile].endpoints) {
    if (entry.nested) {
      add_endpoints_of(config, *entry.nested, endpoints);
    } else {
      endpoints.insert(entry.endpoint);
    }
  }
}

}  // namespace

ZoneList make_zones(const Config& config, const zones::SigningTime& time) {
  const auto profiles = profiles_of_zones(config);
  ZoneList zones;
  for (std::size_t i = 0; i < config.zones.size(); ++i) {
    zones.push_back(zones::make_zone(config.zones[i], profiles[i], config.serial, time));
  }
  return zones;
}

ControlPlane::ControlPlane(health::Clock& clock, health::Random& random, health::Prober& prober,
                           std::shared_ptr<const Config> config, ZoneList zones)
    : clock_(clock),
      health_(clock, random, prober,
              [this](const std::string& endpoint, const health::EndpointReport& report) {
                on_report(endpoint, report);
              }) {
  if (const auto keys = dns::make_random_cookie_keys()) {
    own_cookie_keys_ = std::make_shared<const dns::CookieKeys>(*keys);
  } else {
    spdlog::warn("no DNS cookies without a secret_file: {}", keys.error());
  }
  adopt(std::move(config), std::move(zones));
  read_health();
  publish_all();
}

void ControlPlane::start() {
  started_ = true;
  watch_health();
  read_health();
  publish_all();
}

void ControlPlane::stop() {
  started_ = false;
  health_.stop();
}

void ControlPlane::apply(std::shared_ptr<const Config> config, ZoneList zones) {
  const std::vector<std::string> changes = describe_changes(*config_, *config);
  adopt(std::move(config), std::move(zones));
  if (started_) watch_health();
  read_health();
  publish_all();
  for (const std::string& change : changes) spdlog::info("configuration: {}", change);
}

void ControlPlane::renew(ZoneList zones) {
  zones_ = std::move(zones);
  zone_set_ = std::make_shared<const zones::ZoneSet>(zones_);
  publish_all();
}

void ControlPlane::set_latency(std::shared_ptr<const routing::LatencyMap> latency) {
  latency_ = std::move(latency);
  auto snapshot = std::make_shared<zones::Snapshot>(*published_->current());
  snapshot->latency = latency_;
  published_->publish(std::move(snapshot));
}

void ControlPlane::adopt(std::shared_ptr<const Config> config, ZoneList zones) {
  config_ = std::move(config);
  const std::size_t count = config_->endpoints.size();
  endpoints_.clear();
  columns_.clear();
  ids_.clear();
  for (const EndpointConfig& endpoint : config_->endpoints) {
    ids_.emplace(endpoint.routing.name, static_cast<EndpointId>(endpoints_.size()));
    endpoints_.push_back(endpoint.routing);
    columns_.push_back(latency_columns_.column(endpoint.routing.name));
  }
  const std::vector<Usage> usage = endpoint_usage(*config_);
  unprobed_.clear();
  for (EndpointId id = 0; id < count; ++id) {
    unprobed_.push_back(unprobed_status(config_->endpoints[id], usage[id]));
  }
  states_.assign(count, {});
  statuses_.assign(count, EndpointStatus::kUnmonitored);

  zones_ = std::move(zones);
  zone_set_ = std::make_shared<const zones::ZoneSet>(zones_);
  zone_of_ = zones_of_profiles(*config_);
  profiles_of_.assign(count, {});
  for (std::size_t profile = 0; profile < config_->profiles.size(); ++profile) {
    std::set<EndpointId> used;
    add_endpoints_of(*config_, profile, used);
    for (const EndpointId id : used) profiles_of_[id].push_back(profile);
  }
  locations_ = config_->location_map ? config_->location_map : zones::no_locations();
  identity_ = zones::make_identity(config_->server.identity, config_->server.version);
  clients_ = make_client_policy(*config_, own_cookie_keys_);
}

void ControlPlane::watch_health() {
  std::vector<health::TargetSpec> targets;
  for (EndpointId id = 0; id < config_->endpoints.size(); ++id) {
    if (!unprobed_[id]) targets.push_back(make_target(config_->endpoints[id]));
  }
  health_.apply(targets);
}

void ControlPlane::read_health() {
  for (EndpointId id = 0; id < config_->endpoints.size(); ++id) {
    if (const auto& status = unprobed_[id]) {
      states_[id] = {*status, *status, std::nullopt, std::nullopt};
      statuses_[id] = *status;
    } else {
      set_state(id, health_.report(endpoints_[id].name));
    }
  }
}

void ControlPlane::set_state(EndpointId id, const health::EndpointReport& report) {
  states_[id] = {report.ipv4, report.ipv6, report.degraded_in, std::nullopt};
  statuses_[id] = report.status;
}

void ControlPlane::on_report(const std::string& endpoint, const health::EndpointReport& report) {
  const auto found = ids_.find(endpoint);
  if (found == ids_.end()) return;
  const EndpointId id = found->second;
  const EndpointStatus before = statuses_[id];
  set_state(id, report);
  publish_profiles_of(id);

  if (report.status == before) return;
  const bool bad = report.status == EndpointStatus::kDegraded;
  spdlog::log(bad ? spdlog::level::warn : spdlog::level::info, "endpoint {}: {} -> {}{}{}",
              endpoint, base::to_string(before), base::to_string(report.status),
              report.reason.empty() ? "" : ": ", report.reason);
  for (const std::size_t profile : profiles_of_[id]) log_serving(profile);
}

routing::RoutingState ControlPlane::routing_state() const {
  return {config_->profiles, endpoints_, states_, columns_, locations_.get()};
}

StatusReport ControlPlane::status_report() const {
  std::vector<std::string> reasons;
  for (const routing::EndpointSpec& endpoint : endpoints_) {
    reasons.push_back(health_.report(endpoint.name).reason);
  }
  return make_status_report(*config_, routing_state(), statuses_, reasons);
}

std::shared_ptr<const zones::CompiledProfile> ControlPlane::compile(std::size_t profile) const {
  if (!config_->profiles[profile].has_owner()) return nullptr;
  return zones::make_compiled_profile(static_cast<zones::ProfileId>(profile), routing_state(),
                                      *zones_[zone_of_[profile]],
                                      std::chrono::floor<std::chrono::seconds>(clock_.wall_now()));
}

void ControlPlane::publish_all() {
  auto snapshot = std::make_shared<zones::Snapshot>();
  snapshot->zones = zone_set_;
  snapshot->identity = identity_;
  snapshot->clients = clients_;
  snapshot->locations = locations_;
  snapshot->latency = latency_;
  for (std::size_t profile = 0; profile < config_->profiles.size(); ++profile) {
    snapshot->profiles.push_back(compile(profile));
  }
  if (published_) {
    published_->publish(std::move(snapshot));
  } else {
    published_ = std::make_unique<zones::Published>(std::move(snapshot));
  }
}

void ControlPlane::publish_profiles_of(EndpointId id) {
  auto snapshot = std::make_shared<zones::Snapshot>(*published_->current());
  for (const std::size_t profile : profiles_of_[id]) {
    snapshot->profiles[profile] = compile(profile);
  }
  published_->publish(std::move(snapshot));
}

void ControlPlane::log_serving(std::size_t profile) const {
  const routing::ProfileSpec& spec = config_->profiles[profile];
  const routing::RoutingState state = routing_state();
  const std::size_t serving =
      routing::Judge(state).count_in(static_cast<routing::ProfileId>(profile));
  if (serving == 0) {
    spdlog::error("profile {}: 0/{} serving; when_all_down decides", spec.name,
                  spec.endpoints.size());
  } else {
    spdlog::info("profile {}: {}/{} serving", spec.name, serving, spec.endpoints.size());
  }
}

}  // namespace gslb::app
