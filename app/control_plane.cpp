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

/// Weights that grow after recovery are looked at so often, and taken over in such steps.
constexpr std::chrono::seconds kRampPace{1};
constexpr double kRampStep = 0.02;

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
std::optional<EndpointStatus> unprobed_status(const EndpointConfig& endpoint, bool is_enabled,
                                              const Usage& usage) {
  if (!is_enabled) return EndpointStatus::kDisabled;
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
  target.required = endpoint.monitors_required;
  target.failback_delay = endpoint.failback_delay;
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
  health_.set_isolation_listener([this] { on_isolation(); });
  adopt(std::move(config), std::move(zones));
  read_health();
  publish_all();
}

void ControlPlane::restore(Overrides overrides, std::vector<health::RememberedCheck> memory) {
  overrides_ = std::move(overrides);
  const health::WallTime wall = clock_.wall_now();
  for (const auto& [endpoint, override] : overrides_) {
    if (override.until) expiries_[endpoint] = clock_.now() + (*override.until - wall);
    spdlog::info("endpoint {}: {}", endpoint, describe(override));
  }
  health_.remember(std::move(memory));
  adopt(config_, zones_);
}

void ControlPlane::start() {
  started_ = true;
  await_expiry();
  refresh();
}

void ControlPlane::refresh() {
  if (started_) watch_health();
  read_health();
  publish_all();
}

void ControlPlane::stop() {
  started_ = false;
  expiry_.reset();
  ramp_timer_.reset();
  if (targets_) targets_->set_hosts({});
  if (loads_) loads_->set_targets({});
  health_.stop();
}

void ControlPlane::apply(std::shared_ptr<const Config> config, ZoneList zones) {
  const std::vector<std::string> changes = describe_changes(*config_, *config);
  adopt(std::move(config), std::move(zones));
  refresh();
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
    const Override* order = override_of(static_cast<EndpointId>(endpoints_.size() - 1));
    if (order != nullptr && order->kind != Override::Kind::kDrain) {
      endpoints_.back().enabled = order->kind == Override::Kind::kEnable;
    }
    columns_.push_back(latency_columns_.column(endpoint.routing.name));
  }
  const std::vector<Usage> usage = endpoint_usage(*config_);
  unprobed_.clear();
  for (EndpointId id = 0; id < count; ++id) {
    unprobed_.push_back(unprobed_status(config_->endpoints[id], endpoints_[id].enabled, usage[id]));
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
  health_.apply(targets, config_->health.probing);
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
      set_state(id, {*status, *status, *status, std::nullopt, {}, {}});
    } else {
      set_state(id, report_of(id));
    }
  }
}

void ControlPlane::set_state(EndpointId id, const health::EndpointReport& report) {
  const Override* order = override_of(id);
  states_[id] = {
      report.ipv4,        report.ipv6,
      report.degraded_in, loads_ ? loads_->find(endpoints_[id].name).share : std::nullopt,
      ramp_of(id),        order != nullptr && order->kind == Override::Kind::kDrain};
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
  if (before == EndpointStatus::kDegraded && report.status == EndpointStatus::kOnline) {
    begin_ramp(id);
  } else if (report.status == EndpointStatus::kDegraded) {
    ramps_.erase(endpoint);
  }
  set_state(id, report);
  publish_profiles_of(id);

  log_warnings(id, report.warnings);
  if (report.status == before) return;
  const bool bad = report.status == EndpointStatus::kDegraded;
  spdlog::log(bad ? spdlog::level::warn : spdlog::level::info, "endpoint {}: {} -> {}{}{}",
              endpoint, base::to_string(before), base::to_string(report.status),
              report.reason.empty() ? "" : ": ", report.reason);
  emit_status(id, before, report.reason);
  for (const std::size_t profile : profiles_of_[id]) log_serving(profile);
}

void ControlPlane::log_warnings(EndpointId id, const std::vector<std::string>& warnings) {
  const std::string& endpoint = endpoints_[id].name;
  std::vector<std::string>& known = warnings_[endpoint];
  for (const std::string& warning : warnings) {
    if (std::find(known.begin(), known.end(), warning) != known.end()) continue;
    spdlog::warn("endpoint {}: {}", endpoint, warning);
    emit("warning", {{"endpoint", endpoint}, {"text", warning}});
  }
  known = warnings;
}

void ControlPlane::emit_status(EndpointId id, EndpointStatus before, const std::string& reason) {
  emit("endpoint", {{"endpoint", endpoints_[id].name},
                    {"from", std::string(base::to_string(before))},
                    {"to", std::string(base::to_string(statuses_[id]))},
                    {"reason", reason}});
}

void ControlPlane::emit(std::string_view kind,
                        std::vector<std::pair<std::string_view, Event::Value>> fields) {
  if (events_) events_({kind, std::move(fields)});
}

void ControlPlane::on_isolation() {
  const health::IsolationGuard& guard = health_.isolation();
  if (guard.isolated_since()) {
    spdlog::error("isolated: all sites and all canaries fail, statuses are frozen: {}",
                  guard.reason());
  } else {
    spdlog::info("no longer isolated: something has answered, statuses follow the probes again");
  }
  emit("isolation",
       {{"state", guard.isolated_since() ? "begins" : "ends"}, {"reason", guard.reason()}});
}

const Override* ControlPlane::override_of(EndpointId id) const {
  const auto found = overrides_.find(config_->endpoints[id].routing.name);
  return found == overrides_.end() ? nullptr : &found->second;
}

tl::expected<void, std::string> ControlPlane::set_override(
    const std::string& endpoint, Override::Kind kind, std::optional<std::chrono::seconds> duration,
    const std::string& reason) {
  const auto found = ids_.find(endpoint);
  if (found == ids_.end()) return tl::make_unexpected("there is no endpoint " + endpoint);
  const health::WallTime now = clock_.wall_now();
  const bool takes_back =
      kind == Override::Kind::kEnable && config_->endpoints[found->second].routing.enabled;
  expiries_.erase(endpoint);
  if (takes_back) {
    overrides_.erase(endpoint);
    spdlog::info("endpoint {}: as configured again, by the operator", endpoint);
  } else {
    Override order{kind, now, std::nullopt, reason};
    if (duration) {
      order.until = now + *duration;
      expiries_[endpoint] = clock_.now() + *duration;
    }
    spdlog::info("endpoint {}: {}", endpoint, describe(order));
    overrides_[endpoint] = std::move(order);
  }
  emit("override",
       {{"endpoint", endpoint},
        {"override", std::string(to_string(kind))},
        {"seconds", static_cast<std::uint64_t>(duration.value_or(std::chrono::seconds(0)).count())},
        {"reason", reason}});
  apply_overrides();
  return {};
}

void ControlPlane::apply_overrides() {
  const std::vector<EndpointStatus> before = statuses_;
  adopt(config_, zones_);
  refresh();
  await_expiry();
  for (EndpointId id = 0; id < before.size(); ++id) {
    if (before[id] == statuses_[id]) continue;
    const std::string& endpoint = endpoints_[id].name;
    const Override* order = override_of(id);
    const std::string reason = order != nullptr ? describe(*order) : "";
    spdlog::info("endpoint {}: {} -> {}", endpoint, base::to_string(before[id]),
                 base::to_string(statuses_[id]));
    emit_status(id, before[id], reason);
    for (const std::size_t profile : profiles_of_[id]) log_serving(profile);
  }
}

/// Ends what has expired, and waits for the next.
void ControlPlane::await_expiry() {
  const health::SteadyTime now = clock_.now();
  std::optional<health::SteadyTime> next;
  bool has_ended = false;
  for (auto it = expiries_.begin(); it != expiries_.end();) {
    if (it->second > now) {
      next = std::min(next.value_or(it->second), it->second);
      ++it;
      continue;
    }
    spdlog::info("endpoint {}: what the operator ordered has ended", it->first);
    overrides_.erase(it->first);
    emit("override", {{"endpoint", it->first}, {"override", "ended"}});
    it = expiries_.erase(it);
    has_ended = true;
  }
  expiry_.reset();
  if (has_ended) return apply_overrides();
  if (next) expiry_ = clock_.call_at(*next, [this] { await_expiry(); });
}

std::optional<std::vector<base::IpAddress>> ControlPlane::probed_addresses(
    const std::string& endpoint) const {
  const auto found = ids_.find(endpoint);
  if (found == ids_.end()) return std::nullopt;
  const EndpointConfig& config = config_->endpoints[found->second];
  std::vector<base::IpAddress> of_target;
  if (config.routing.target && targets_) {
    of_target = targets_->find(config.routing.target->to_string()).addresses;
  }
  return make_target(config, of_target).addresses;
}

void ControlPlane::begin_ramp(EndpointId id) {
  if (config_->endpoints[id].ramp_up.count() == 0) return;
  ramps_[endpoints_[id].name] = clock_.now();
  if (!ramp_timer_) {
    ramp_timer_ = clock_.call_at(clock_.now() + kRampPace, [this] { advance_ramps(); });
  }
}

double ControlPlane::ramp_of(EndpointId id) const {
  const auto found = ramps_.find(endpoints_[id].name);
  const std::chrono::milliseconds whole = config_->endpoints[id].ramp_up;
  if (found == ramps_.end() || whole.count() == 0) return 1;
  const std::chrono::duration<double, std::milli> passed = clock_.now() - found->second;
  return std::clamp(passed.count() / static_cast<double>(whole.count()), kRampStep, 1.0);
}

/// Publishes weights that have grown by a step.
void ControlPlane::advance_ramps() {
  ramp_timer_.reset();
  for (auto it = ramps_.begin(); it != ramps_.end();) {
    const auto found = ids_.find(it->first);
    const double ramp = found == ids_.end() ? 1 : ramp_of(found->second);
    if (found != ids_.end()) {
      const EndpointId id = found->second;
      if (ramp == 1 || ramp - states_[id].ramp >= kRampStep) {
        states_[id].ramp = ramp;
        publish_profiles_of(id);
      }
    }
    if (ramp < 1) {
      ++it;
      continue;
    }
    if (found != ids_.end()) spdlog::info("endpoint {}: has its whole weight again", it->first);
    it = ramps_.erase(it);
  }
  if (ramps_.empty()) return;
  ramp_timer_ = clock_.call_at(clock_.now() + kRampPace, [this] { advance_ramps(); });
}

routing::RoutingState ControlPlane::routing_state() const {
  return {config_->profiles, endpoints_, states_, columns_, locations_.get()};
}

StatusReport ControlPlane::status_report() const {
  std::vector<std::string> reasons;
  std::vector<health::EndpointReport> reports;
  for (EndpointId id = 0; id < endpoints_.size(); ++id) {
    reports.push_back(unprobed_[id] ? health::EndpointReport{} : report_of(id));
    const Override* order = override_of(id);
    std::string reason = order == nullptr ? "" : describe(*order);
    if (!reason.empty() && !reports[id].reason.empty()) reason += "; ";
    reasons.push_back(reason + reports[id].reason);
  }
  StatusReport report = make_status_report(*config_, routing_state(), statuses_, reasons);
  for (EndpointStatusReport& endpoint : report.endpoints) {
    const Override* order = override_of(endpoint.id);
    if (order != nullptr) endpoint.order = *order;
    endpoint.ramp = states_[endpoint.id].ramp;
    endpoint.warnings = reports[endpoint.id].warnings;
    endpoint.checks = health_.checks(endpoints_[endpoint.id].name);
  }
  report.isolated_since = health_.isolation().isolated_since();
  report.isolation_reason = health_.isolation().reason();
  report.faults = health_.faults();
  report.now = clock_.wall_now();
  return report;
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

void ControlPlane::log_serving(std::size_t profile) {
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
  emit("profile", {{"profile", spec.name},
                   {"serving", std::uint64_t{serving}},
                   {"total", std::uint64_t{spec.endpoints.size()}}});
}

}  // namespace gslb::app
