#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/event.h"
#include "app/override.h"
#include "app/status_report.h"
#include "health/health_monitor.h"
#include "health/load_poller.h"
#include "health/target_addresses.h"
#include "routing/latency_columns.h"
#include "zones/published.h"

namespace gslb::app {

/// The zones of a configuration, in its order.
using ZoneList = std::vector<std::shared_ptr<const zones::Zone>>;

/// Renders all zones of a configuration, which takes a while for large master files, and signs
/// those that have keys. Thread-safe.
ZoneList make_zones(const Config& config, const zones::SigningTime& time);

/// What tells more of sites than probes do. Each may be null, and must outlive who uses it.
struct SiteSources {
  health::Resolver* resolver = nullptr;  ///< Of the targets of endpoints.
  health::Fetcher* fetcher = nullptr;    ///< Of their loads.
};

/// Folds configuration and health into snapshots: compiles every profile when a configuration is
/// applied, and those that contain an endpoint when its health changes, and publishes the result
/// before it returns. Logs configuration and status changes.
///
/// One thread, that of the clock and the prober. Only published() may be used from others.
class ControlPlane {
 public:
  /// Publishes answers for `config` at once; nothing is probed before start(). The references must
  /// outlive it.
  ControlPlane(health::Clock& clock, health::Random& random, health::Prober& prober,
               std::shared_ptr<const Config> config, ZoneList zones, SiteSources sources = {});

  /// Where the workers read. Lives as long as the control plane.
  const zones::Published& published() const noexcept { return *published_; }
  const Config& config() const noexcept { return *config_; }

  /// Hears of every change from now on.
  void set_event_sink(EventSink sink) { events_ = std::move(sink); }

  /// What people are told of the present state.
  StatusReport status_report() const;
  const health::HealthMonitor& health() const noexcept { return health_; }

  /// Before start(): what is known from an earlier run.
  void restore(Overrides overrides, std::vector<health::RememberedCheck> memory);
  const Overrides& overrides() const noexcept { return overrides_; }
  /// Orders something for an endpoint, for `duration` or until it is taken back. "enable" for one
  /// that the configuration enables takes back what was ordered. The error says that there is no
  /// such endpoint.
  tl::expected<void, std::string> set_override(const std::string& endpoint, Override::Kind kind,
                                               std::optional<std::chrono::seconds> duration,
                                               const std::string& reason);

  /// Where an endpoint is probed at present; empty while its target has no addresses. Nothing where
  /// there is no such endpoint.
  std::optional<std::vector<base::IpAddress>> probed_addresses(const std::string& endpoint) const;

  const ZoneList& zones() const noexcept { return zones_; }
  /// What the published answers were compiled from. Borrows from the control plane; holds until its
  /// next change.
  routing::RoutingState routing_state() const;

  /// Begins to probe.
  void start();
  void stop();

  /// Takes over another configuration with the zones made from it. Health carries over for what is
  /// probed as before.
  void apply(std::shared_ptr<const Config> config, ZoneList zones);

  /// Takes over the zones of the same configuration, made again because signatures were due.
  void renew(ZoneList zones);

  /// Answers by these latencies from now on. Their columns are those of latency_columns().
  void set_latency(std::shared_ptr<const routing::LatencyMap> latency);
  routing::LatencyColumns& latency_columns() noexcept { return latency_columns_; }

 private:
  void adopt(std::shared_ptr<const Config> config, ZoneList zones);
  void watch_health();
  void read_health();
  /// What is known of an endpoint that is probed, be it that its target has no addresses.
  health::EndpointReport report_of(routing::EndpointId id) const;
  /// Null for an endpoint that is not probed at the addresses of a target.
  const dns::Name* probed_target(routing::EndpointId id) const;
  void on_target(const std::string& host);
  void on_load(const std::string& endpoint, const health::LoadPoller::Load& load);
  void on_report(const std::string& endpoint, const health::EndpointReport& report);
  void set_state(routing::EndpointId id, const health::EndpointReport& report);
  const Override* override_of(routing::EndpointId id) const;
  void await_expiry();
  void apply_overrides();
  /// Probes and answers by what was adopted.
  void refresh();
  void emit_status(routing::EndpointId id, base::EndpointStatus before, const std::string& reason);
  void begin_ramp(routing::EndpointId id);
  void advance_ramps();
  double ramp_of(routing::EndpointId id) const;
  void on_isolation();
  void log_warnings(routing::EndpointId id, const std::vector<std::string>& warnings);
  void emit(std::string_view kind, std::vector<std::pair<std::string_view, Event::Value>> fields);
  std::shared_ptr<const zones::CompiledProfile> compile(std::size_t profile) const;
  void publish_all();
  void publish_profiles_of(routing::EndpointId id);
  void log_serving(std::size_t profile);

  health::Clock& clock_;
  health::HealthMonitor health_;
  std::unique_ptr<health::TargetAddresses> targets_;  ///< Null without a resolver.
  std::unique_ptr<health::LoadPoller> loads_;         ///< Null without a fetcher.
  std::shared_ptr<const Config> config_;

  // Derived from config_, all by EndpointId or ProfileId.
  std::vector<routing::EndpointSpec> endpoints_;
  std::vector<routing::LatencyColumn> columns_;
  /// The status of those that are not probed.
  std::vector<std::optional<base::EndpointStatus>> unprobed_;
  std::vector<routing::EndpointState> states_;
  std::vector<base::EndpointStatus> statuses_;  ///< The overall status, for people.
  /// The profiles that an endpoint belongs to, directly or within another.
  std::vector<std::vector<std::size_t>> profiles_of_;
  std::vector<std::size_t> zone_of_;  ///< The zone that holds a profile's name.
  std::map<std::string, routing::EndpointId, std::less<>> ids_;
  routing::LatencyColumns latency_columns_;
  ZoneList zones_;
  std::shared_ptr<const zones::ZoneSet> zone_set_;
  std::shared_ptr<const routing::LocationMap> locations_ = zones::no_locations();
  std::shared_ptr<const routing::LatencyMap> latency_ = zones::no_latency();
  std::shared_ptr<const zones::Identity> identity_;
  std::shared_ptr<const zones::ClientPolicy> clients_;
  std::shared_ptr<const dns::CookieKeys> own_cookie_keys_;  ///< Null where there is no randomness.

  EventSink events_;
  Overrides overrides_;
  std::unique_ptr<health::Pending> expiry_;  ///< Of the override that ends next.
  /// When overrides end by the clock that never jumps.
  std::map<std::string, health::SteadyTime, std::less<>> expiries_;
  std::map<std::string, health::SteadyTime, std::less<>> ramps_;  ///< When they began, by endpoint.
  std::unique_ptr<health::Pending> ramp_timer_;
  std::map<std::string, std::vector<std::string>, std::less<>> warnings_;  ///< That were logged.

  std::unique_ptr<zones::Published> published_;
  bool started_ = false;
};

}  // namespace gslb::app
