#include "zones/zone_data.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dns/wire.h"
#include "zones/master_file.h"

namespace gslb::zones {
namespace {

// The SOA's timers steer the servers that transfer the zone; the values are those that registries'
// checks accept (RIPE-203).
constexpr std::uint32_t kSoaRefresh = 3600;
constexpr std::uint32_t kSoaRetry = 600;
constexpr std::uint32_t kSoaExpire = 14 * 24 * 3600;

/// NS, SOA and glue from the configuration. An hour: a name server can be moved within a working
/// day.
constexpr std::chrono::seconds kInfrastructureTtl{3600};

Rdata bytes_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

dns::Name wildcard_below(const dns::Name& name) {
  Rdata wire = {1, '*'};
  append(wire, name.wire());
  return dns::Name::from_wire(wire);
}

std::chrono::seconds negative_ttl(const RRsetData& soa) {
  assert(!soa.rdata.empty() && soa.rdata[0].size() >= 22);
  const std::uint8_t* minimum = soa.rdata[0].data() + soa.rdata[0].size() - 4;
  return std::min(soa.ttl, std::chrono::seconds{dns::load_u32(minimum)});
}

std::optional<RecordSource> NodeData::source() const {
  for (const auto& [type, rrset] : rrsets) {
    if (rrset.source) return rrset.source;
  }
  return std::nullopt;
}

ZoneData::ZoneData(const ZoneSpec& spec, std::span<const ProfileName> profiles,
                   std::uint32_t serial) {
  names_.insert(spec.apex, 0);
  nodes_.push_back({spec.apex, {}, {}});
  if (spec.file) {
    for (const MasterFileRecord& record : spec.file->records) {
      if (!record.owner.is_at_or_below(spec.apex)) continue;
      add(record.owner, record.type, record.ttl, record.rdata,
          RecordSource{record.file, record.line});
    }
  }
  add_name_servers(spec);
  if (apex_soa() == nullptr) add_soa(spec, serial);
  for (const ProfileName& profile : profiles) {
    nodes_[node_at(profile.owner)].profile = profile;
  }
}

void ZoneData::add_name_servers(const ZoneSpec& spec) {
  // A master file may repeat what the configuration says, with TTLs of its own.
  const RRsetData* ns = nodes_.front().find(dns::type::kNs);
  const std::chrono::seconds ns_ttl = ns != nullptr ? ns->ttl : kInfrastructureTtl;
  for (const NameServerSpec& server : spec.nameservers) {
    add(spec.apex, dns::type::kNs, ns_ttl, bytes_of(server.name.wire()), std::nullopt);
    for (const base::IpAddress& address : server.addresses) {
      add(server.name, address.is_v4() ? dns::type::kA : dns::type::kAaaa, kInfrastructureTtl,
          bytes_of(address.bytes()), std::nullopt);
    }
  }
}

void ZoneData::add_soa(const ZoneSpec& spec, std::uint32_t serial) {
  Rdata rdata;
  append(rdata, spec.nameservers.front().name.wire());
  append(rdata, spec.hostmaster.wire());
  append_u32(rdata, serial);
  append_u32(rdata, kSoaRefresh);
  append_u32(rdata, kSoaRetry);
  append_u32(rdata, kSoaExpire);
  append_u32(rdata, static_cast<std::uint32_t>(spec.negative_ttl.count()));
  add(spec.apex, dns::type::kSoa, kInfrastructureTtl, std::move(rdata), std::nullopt);
}

const RRsetData* ZoneData::apex_soa() const { return nodes_.front().find(dns::type::kSoa); }

ZoneData::NodeIndex ZoneData::node_at(const dns::Name& name) {
  if (const auto known = names_.find(name)) return *known;
  node_at(name.parent());  // RFC 4592 §2.2.2: the names in between exist.
  const auto index = static_cast<NodeIndex>(nodes_.size());
  names_.insert(name, index);
  nodes_.push_back({name, {}, {}});
  return index;
}

void ZoneData::add(const dns::Name& owner, std::uint16_t type, std::chrono::seconds ttl,
                   Rdata rdata, std::optional<RecordSource> source) {
  RRsetData& rrset = nodes_[node_at(owner)].rrsets[type];
  if (rrset.rdata.empty()) {
    rrset.ttl = ttl;
    rrset.source = source;
  }
  // RFC 2181 §5.2: one TTL for all; the lowest keeps no record for longer than was wanted.
  if (source) rrset.ttl = std::min(rrset.ttl, ttl);
  // RFC 2181 §5: a record is there once.
  if (std::find(rrset.rdata.begin(), rrset.rdata.end(), rdata) == rrset.rdata.end()) {
    rrset.rdata.push_back(std::move(rdata));
  }
}

std::optional<ZoneData::NodeIndex> ZoneData::cut_of(const dns::Name& name) const {
  // The cut nearest to the apex: what lies below another is not ours to know.
  std::optional<NodeIndex> cut;
  for (dns::Name at = name; at.length() > apex().length(); at = at.parent()) {
    if (const auto node = names_.find(at); node && is_cut(*node)) cut = node;
  }
  return cut;
}

dns::Name ZoneData::closest_encloser(const dns::Name& name) const {
  dns::Name encloser = name.parent();
  while (!names_.find(encloser)) encloser = encloser.parent();
  return encloser;
}

ZoneData::Lookup ZoneData::lookup(const dns::Name& name) const {
  using Kind = Lookup::Kind;
  if (!name.is_at_or_below(apex())) return {Kind::kOutside, 0};
  if (const auto cut = cut_of(name)) return {Kind::kDelegated, *cut};
  if (const auto node = names_.find(name)) return {Kind::kExact, *node};
  const dns::Name encloser = closest_encloser(name);
  const NodeIndex node = *names_.find(encloser);
  if (nodes_[node].find(dns::type::kDname)) return {Kind::kDname, node};
  if (const auto wildcard = names_.find(wildcard_below(encloser))) {
    return {Kind::kWildcard, *wildcard};
  }
  return {Kind::kMissing, 0};
}

}  // namespace gslb::zones
