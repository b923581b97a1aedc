#include "tests/support/test_snapshot.h"

#include <cstdlib>

#include "dns/wire.h"
#include "zones/dnssec_key.h"

namespace gslb::support {
namespace {

constexpr std::uint32_t kSerial = 7;

void append_u16(std::vector<std::uint8_t>& bytes, std::uint16_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

dns::Name name(std::string_view text) {
  const auto parsed = dns::parse_name(text);
  if (!parsed) std::abort();
  return *parsed;
}

base::IpAddress ip(std::string_view text) {
  const auto parsed = base::parse_ip_address(text);
  if (!parsed) std::abort();
  return *parsed;
}

zones::ZoneSpec example_zone() {
  zones::ZoneSpec spec;
  spec.apex = name("gslb.example.com");
  spec.nameservers = {{name("ns1.gslb.example.com"), {ip("192.0.2.53"), ip("2001:db8::53")}},
                      {name("ns2.gslb.example.com"), {ip("198.51.100.53")}}};
  spec.hostmaster = name("hostmaster.example.com");
  spec.negative_ttl = std::chrono::seconds{60};
  return spec;
}

zones::SigningSpec make_signing(const dns::Name& apex, std::chrono::sys_seconds now) {
  constexpr auto kAlgorithm = zones::KeyAlgorithm::kEcdsaP256Sha256;
  constexpr std::uint16_t kZoneKeyAndSep = 257;
  zones::KeyTiming timing;
  timing.publish = timing.activate = now;
  const auto key = zones::DnssecKey::make(apex, kZoneKeyAndSep, kAlgorithm,
                                          zones::make_private_key(kAlgorithm), timing);
  if (!key) std::abort();
  return {{*key}, std::chrono::hours{24}};
}

routing::EndpointId SnapshotMaker::endpoint(std::string_view endpoint_name,
                                            const std::vector<std::string>& addresses,
                                            base::EndpointStatus status) {
  routing::EndpointSpec spec;
  spec.name = endpoint_name;
  for (const std::string& text : addresses) {
    const base::IpAddress address = ip(text);
    (address.is_v4() ? spec.ipv4 : spec.ipv6).push_back(address);
  }
  endpoints_.push_back(std::move(spec));
  columns_.push_back(static_cast<routing::LatencyColumn>(columns_.size()));
  states_.push_back({status, status});
  return static_cast<routing::EndpointId>(endpoints_.size() - 1);
}

routing::ProfileSpec& SnapshotMaker::profile(std::string_view owner, routing::Method method,
                                             std::vector<routing::ProfileEndpointSpec> entries) {
  routing::ProfileSpec spec;
  spec.name = owner.substr(0, owner.find('.'));
  spec.owner = name(owner);
  spec.method = method;
  spec.endpoints = std::move(entries);
  return profiles_.emplace_back(std::move(spec));
}

void SnapshotMaker::set_status(routing::EndpointId id, base::EndpointStatus status) {
  states_[id] = {status, status};
}

std::shared_ptr<const zones::Snapshot> SnapshotMaker::snapshot(const std::string& identity) const {
  std::vector<std::vector<zones::ProfileName>> names(zones_.size());
  std::vector<std::size_t> zone_of;
  for (const routing::ProfileSpec& profile : profiles_) {
    std::size_t zone = 0;
    for (std::size_t i = 0; i < zones_.size(); ++i) {
      if (profile.owner.is_at_or_below(zones_[i].apex)) zone = i;
    }
    if (profile.has_owner()) {
      names[zone].push_back({profile.owner, static_cast<zones::ProfileId>(zone_of.size())});
    }
    zone_of.push_back(zone);
  }
  std::vector<std::shared_ptr<const zones::Zone>> zones;
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    zones.push_back(zones::make_zone(zones_[i], names[i], kSerial, signing_time_));
  }
  auto snapshot = std::make_shared<zones::Snapshot>();
  snapshot->locations = locations_;
  snapshot->latency = latency_;
  const routing::RoutingState state = routing_state();
  for (zones::ProfileId id = 0; id < profiles_.size(); ++id) {
    if (!profiles_[id].has_owner()) {
      snapshot->profiles.push_back(nullptr);
      continue;
    }
    snapshot->profiles.push_back(
        zones::make_compiled_profile(id, state, *zones[zone_of[id]], signing_time_.now));
  }
  snapshot->zones = std::make_shared<const zones::ZoneSet>(std::move(zones));
  snapshot->identity = zones::make_identity(identity, "");
  snapshot->clients = std::make_shared<const zones::ClientPolicy>(clients_);
  return snapshot;
}

std::vector<std::uint8_t> make_query(std::string_view owner, std::uint16_t type,
                                     std::uint16_t udp_size, std::uint16_t id) {
  std::vector<std::uint8_t> query;
  append_u16(query, id);
  append_u16(query, dns::flag::kRd);
  append_u16(query, 1);
  append_u16(query, 0);
  append_u16(query, 0);
  append_u16(query, udp_size > 0 ? 1 : 0);
  const dns::Name qname = name(owner);
  query.insert(query.end(), qname.wire().begin(), qname.wire().end());
  append_u16(query, type);
  append_u16(query, dns::klass::kIn);
  if (udp_size > 0) {
    query.push_back(0);
    append_u16(query, dns::type::kOpt);
    append_u16(query, udp_size);
    query.insert(query.end(), 6, 0);
  }
  return query;
}

std::vector<std::uint8_t> with_dnssec_ok(std::vector<std::uint8_t> query) {
  query[query.size() - 4] = 0x80;
  return query;
}

}  // namespace gslb::support
