#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dns/answer.h"
#include "zones/snapshot.h"

namespace gslb::support {

/// The name in wire form; the text must be valid.
dns::Name name(std::string_view text);
base::IpAddress ip(std::string_view text);

/// A zone gslb.example.com with ns1 (192.0.2.53, 2001:db8::53) and ns2 (198.51.100.53), mailbox
/// hostmaster@example.com, serial 7 and negative TTL 60.
zones::ZoneSpec example_zone();

/// A fresh ECDSA key for the zone, which signs everything from `now` on.
zones::SigningSpec make_signing(const dns::Name& apex, std::chrono::sys_seconds now);

/// A snapshot under construction for tests of what is answered from it: endpoints and profiles are
/// added, then snapshot() compiles all.
class SnapshotMaker {
 public:
  SnapshotMaker() : zones_{example_zone()} {}

  /// Returns the id of the endpoint.
  routing::EndpointId endpoint(std::string_view endpoint_name,
                               const std::vector<std::string>& addresses,
                               base::EndpointStatus status = base::EndpointStatus::kOnline);
  /// Adds a profile with the given entries; its TTL is 30 s.
  routing::ProfileSpec& profile(std::string_view owner, routing::Method method,
                                std::vector<routing::ProfileEndpointSpec> entries);
  /// The endpoint as routing sees it; its column in latency maps is its id.
  routing::EndpointSpec& endpoint_spec(routing::EndpointId id) { return endpoints_[id]; }
  routing::EndpointState& state(routing::EndpointId id) { return states_[id]; }
  std::vector<routing::ProfileSpec>& profiles() { return profiles_; }
  void set_locations(std::shared_ptr<const routing::LocationMap> locations) {
    locations_ = std::move(locations);
  }
  void set_latency(std::shared_ptr<const routing::LatencyMap> latency) {
    latency_ = std::move(latency);
  }
  routing::RoutingState routing_state() const {
    return {profiles_, endpoints_, states_, columns_, locations_.get()};
  }
  /// Cookies and limits; none at first.
  zones::ClientPolicy& clients() { return clients_; }
  zones::ZoneSpec& zone() { return zones_.front(); }
  void add_zone(zones::ZoneSpec spec) { zones_.push_back(std::move(spec)); }
  /// When zones are signed, and what is remembered of that; 2026-11-24 at first.
  zones::SigningTime& signing_time() { return signing_time_; }
  void set_status(routing::EndpointId id, base::EndpointStatus status);
  void set_degraded_in(routing::EndpointId id, std::chrono::milliseconds time) {
    states_[id].degraded_in = time;
  }

  std::shared_ptr<const zones::Snapshot> snapshot(const std::string& identity = "test") const;

 private:
  std::vector<zones::ZoneSpec> zones_;
  std::vector<routing::EndpointSpec> endpoints_;
  std::vector<routing::EndpointState> states_;
  std::vector<routing::LatencyColumn> columns_;
  std::vector<routing::ProfileSpec> profiles_;
  std::shared_ptr<const routing::LocationMap> locations_ = zones::no_locations();
  std::shared_ptr<const routing::LatencyMap> latency_ = zones::no_latency();
  zones::ClientPolicy clients_;
  zones::SigningTime signing_time_{std::make_shared<zones::SignatureCache>(),
                                   std::chrono::sys_days{std::chrono::year{2026} / 11 / 24}};
};

/// A query message; EDNS is added when `udp_size` is not 0.
std::vector<std::uint8_t> make_query(std::string_view owner, std::uint16_t type,
                                     std::uint16_t udp_size = 0, std::uint16_t id = 0x1234);
/// The same query with DO (RFC 3225 §3). Its OPT record must come last and have no options.
std::vector<std::uint8_t> with_dnssec_ok(std::vector<std::uint8_t> query);

}  // namespace gslb::support
