#include "app/control_plane.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <map>
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

/// `of_target` are the addresses of its target, where it has one.
health::TargetSpec make_target(const EndpointConfig& endpoint,
                               const std::vector<base::IpAddress>& of_target) {
  health::TargetSpec target;
  target.endpoint = endpoint.routing.name;
  target.monitors = endpoint.monitors;
  if (endpoint.probe_address) {
    target.addresses = {*endpoint.probe_address};
    target.speaks_for_both_families = true;
  } else if (endpoint.routing.target) {
    // Whoever follows the CNAME may get any of them.
    target.addresses = of_target;
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
                           std::shared_ptr<const Config> config, ZoneList zones,
                           SiteSources sources)
    : clock_(clock),
      health_(clock, random, prober,
              [this](const std::string& endpoint, const health::EndpointReport& report) {
                on_report(endpoint, report);
              }) {
  if (sources.resolver != nullptr) {
    targets_ = std::make_unique<health::TargetAddresses>(
        clock, *sources.resolver, [this](const std::string& host) { on_target(host); });
  }
  if (sources.fetcher != nullptr) {
    loads_ = std::make_unique<health::LoadPoller>(
        clock, *sources.fetcher,
        [this](const std::string& endpoint, const health::LoadPoller::Load& load) {
          on_load(endpoint, load);
        });
  }
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
  if (targets_) targets_->set_hosts({});
  if (loads_) loads_->set_targets({});
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

const dns::Name* ControlPlane::probed_target(EndpointId id) const {
  const EndpointConfig& endpoint = config_->endpoints[id];
  const bool is_probed_there =
      !unprobed_[id] && !endpoint.probe_address && endpoint.routing.target && targets_;
  return is_probed_there ? &*endpoint.routing.target : nullptr;
}

void ControlPlane::watch_health() {
  std::set<std::string> hosts;
  std::map<std::string, health::LoadSpec> loads;
  for (EndpointId id = 0; id < config_->endpoints.size(); ++id) {
    const EndpointConfig& endpoint = config_->endpoints[id];
    if (const dns::Name* target = probed_target(id)) hosts.insert(target->to_string());
    const bool is_used = !unprobed_[id] || *unprobed_[id] == EndpointStatus::kUnmonitored;
    if (endpoint.load && is_used) loads.emplace(endpoint.routing.name, *endpoint.load);
  }
  if (targets_) targets_->set_hosts(hosts);
  if (loads_) loads_->set_targets(loads);

  std::vector<health::TargetSpec> targets;
  for (EndpointId id = 0; id < config_->endpoints.size(); ++id) {
    if (unprobed_[id]) continue;
    const dns::Name* host = probed_target(id);
    health::TargetSpec target =
        make_target(config_->endpoints[id], host ? targets_->find(host->to_string()).addresses
                                                 : std::vector<base::IpAddress>());
    if (!target.addresses.empty()) targets.push_back(std::move(target));
  }
  health_.apply(targets);
}

health::EndpointReport ControlPlane::report_of(EndpointId id) const {
  const dns::Name* target = probed_target(id);
  if (target == nullptr) return health_.report(endpoints_[id].name);
  const std::string host = target->to_string();
  const health::TargetAddresses::State& state = targets_->find(host);
  if (!state.addresses.empty()) return health_.report(endpoints_[id].name);
  health::EndpointReport report;
  report.status = EndpointStatus::kCheckingEndpoint;
  if (state.failures >= health::TargetAddresses::kGivingUp) {
    report.status = EndpointStatus::kDegraded;
    report.reason = "the target " + host + " has no addresses: " + state.error;
  }
  report.ipv4 = report.ipv6 = report.status;
  return report;
}

void ControlPlane::read_health() {
  for (EndpointId id = 0; id < config_->endpoints.size(); ++id) {
    if (const auto& status = unprobed_[id]) {
      set_state(id, {*status, *status, *status, std::nullopt, {}});
    } else {
      set_state(id, report_of(id));
    }
  }
}

void ControlPlane::set_state(EndpointId id, const health::EndpointReport& report) {
  states_[id] = {report.ipv4, report.ipv6, report.degraded_in,
                 loads_ ? loads_->find(endpoints_[id].name).share : std::nullopt};
  statuses_[id] = report.status;
}

void ControlPlane::on_target(const std::string& host) {
  const std::vector<base::IpAddress>& addresses = targets_->find(host).addresses;
  std::string text;
  for (const base::IpAddress& address : addresses) text += " " + base::to_string(address);
  if (!text.empty()) spdlog::info("target {}:{}", host, text);
  watch_health();
  for (EndpointId id = 0; id < config_->endpoints.size(); ++id) {
    const dns::Name* target = probed_target(id);
    if (target != nullptr && target->to_string() == host) {
      on_report(endpoints_[id].name, report_of(id));
    }
  }
}

void ControlPlane::on_load(const std::string& endpoint, const health::LoadPoller::Load& load) {
  const auto found = ids_.find(endpoint);
  if (found == ids_.end()) return;
  const EndpointId id = found->second;
  const double before = routing::kept_weight(endpoints_[id], states_[id]);
  states_[id].load = load.share;
  const double after = routing::kept_weight(endpoints_[id], states_[id]);

  if (!load.error.empty()) {
    spdlog::warn("endpoint {}: its load is {}: {}", endpoint,
                 load.share ? "an old one" : "not known, so it gets its full weight", load.error);
  }
  // A change that nobody would notice is not worth signing answers for.
  constexpr double kNoticeable = 0.01;
  const bool crosses = (before == 0) != (after == 0) || (before == 1) != (after == 1);
  if (!crosses && std::abs(after - before) < kNoticeable) return;
  publish_profiles_of(id);
  if (crosses && load.share) {
    spdlog::info("endpoint {}: {:.0f} % of its capacity in use, it keeps {:.0f} % of its weight",
                 endpoint, *load.share * 100, after * 100);
  }
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
    reasons.push_back(report_of(ids_.find(endpoint.name)->second).reason);
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
