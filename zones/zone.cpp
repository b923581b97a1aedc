#include "zones/zone.h"

#include <cassert>

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using Section = dns::RenderedBuilder::Section;

// The SOA's timers steer secondary servers, of which gslbd has none; the values are those that
// registries' checks accept (RIPE-203).
constexpr std::chrono::hours kSoaRefresh{1};
constexpr std::chrono::minutes kSoaRetry{10};
constexpr std::chrono::hours kSoaExpire{14 * 24};

/// NS, SOA and glue. An hour: a name server can be moved within a working day.
constexpr std::chrono::seconds kInfrastructureTtl{3600};

void put_seconds(RenderedBuilder& builder, std::chrono::seconds duration) {
  builder.put_u32(static_cast<std::uint32_t>(duration.count()));
}

void add_soa(RenderedBuilder& builder, Section section, const ZoneSpec& spec, std::uint32_t serial,
             std::chrono::seconds ttl) {
  builder.begin_record(section, spec.apex, dns::type::kSoa, ttl);
  builder.put_compressed_name(spec.nameservers.front().name);
  builder.put_compressed_name(spec.hostmaster);
  builder.put_u32(serial);
  put_seconds(builder, kSoaRefresh);
  put_seconds(builder, kSoaRetry);
  put_seconds(builder, kSoaExpire);
  put_seconds(builder, spec.negative_ttl);
  builder.end_record();
}

void add_address(RenderedBuilder& builder, Section section, const dns::Name& owner,
                 const base::IpAddress& address) {
  builder.begin_record(section, owner, address.is_v4() ? dns::type::kA : dns::type::kAaaa,
                       kInfrastructureTtl);
  builder.put_bytes(address.bytes());
  builder.end_record();
}

dns::Rendered render_soa(const ZoneSpec& spec, std::uint32_t serial) {
  RenderedBuilder builder = RenderedBuilder::for_name(spec.apex);
  add_soa(builder, Section::kAnswer, spec, serial, kInfrastructureTtl);
  return std::move(builder).build(dns::rcode::kNoError, true);
}

dns::Rendered render_ns(const ZoneSpec& spec) {
  RenderedBuilder builder = RenderedBuilder::for_name(spec.apex);
  for (const NameServerSpec& server : spec.nameservers) {
    builder.begin_record(Section::kAnswer, spec.apex, dns::type::kNs, kInfrastructureTtl);
    builder.put_compressed_name(server.name);
    builder.end_record();
  }
  for (const NameServerSpec& server : spec.nameservers) {
    for (const base::IpAddress& address : server.addresses) {
      add_address(builder, Section::kAdditional, server.name, address);
    }
  }
  return std::move(builder).build(dns::rcode::kNoError, true);
}

/// The server's own A or AAAA records; no records where it has none of that family.
dns::Rendered render_addresses(const NameServerSpec& server, bool v4) {
  RenderedBuilder builder = RenderedBuilder::for_name(server.name);
  for (const base::IpAddress& address : server.addresses) {
    if (address.is_v4() == v4) add_address(builder, Section::kAnswer, server.name, address);
  }
  return std::move(builder).build(dns::rcode::kNoError, true);
}

dns::Rendered render_negative(const ZoneSpec& spec, std::uint32_t serial, std::uint16_t rcode) {
  RenderedBuilder builder = RenderedBuilder::for_any_name_below(spec.apex);
  add_negative_soa(builder, spec, serial);
  return std::move(builder).build(rcode, true);
}

dns::Rendered render_any(const ZoneSpec& spec) {
  RenderedBuilder builder = RenderedBuilder::for_any_name_below(spec.apex);
  builder.begin_record_at_query_name(Section::kAnswer, dns::type::kHinfo, dns::klass::kIn,
                                     kInfrastructureTtl);
  builder.put_character_string("RFC8482");
  builder.put_character_string("");
  builder.end_record();
  return std::move(builder).build(dns::rcode::kNoError, true);
}

}  // namespace

/// Collects the nodes of a zone under construction.
class ZoneBuilder {
 public:
  explicit ZoneBuilder(const dns::Name& apex) : zone_(new Zone(apex)) { node_at(apex); }

  /// The node at `name`, made together with the empty non-terminals above it where it is new
  /// (RFC 4592 §2.2.2). The reference holds until the next call.
  Node& node_at(const dns::Name& name) {
    if (const auto known = zone_->names_.find(name)) return zone_->nodes_[*known];
    if (!(name == zone_->apex_)) node_at(name.parent());
    zone_->names_.insert(name, static_cast<std::uint32_t>(zone_->nodes_.size()));
    return zone_->nodes_.emplace_back();
  }

  void add_rrset(const dns::Name& owner, std::uint16_t type, dns::Rendered answer) {
    if (answer.answer_count > 0) node_at(owner).rrsets.push_back({type, std::move(answer)});
  }

  void add_shared(dns::Rendered nodata, dns::Rendered nxdomain, dns::Rendered any) {
    zone_->nodata_ = std::move(nodata);
    zone_->nxdomain_ = std::move(nxdomain);
    zone_->any_ = std::move(any);
  }

  std::shared_ptr<const Zone> build() && { return std::move(zone_); }

 private:
  std::shared_ptr<Zone> zone_;
};

const Node* Zone::find(const dns::Name& name) const {
  return find(name.lower().wire(), hash_name(name));
}

std::shared_ptr<const Zone> make_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles,
                                      std::uint32_t serial) {
  ZoneBuilder builder(spec.apex);
  builder.add_rrset(spec.apex, dns::type::kSoa, render_soa(spec, serial));
  builder.add_rrset(spec.apex, dns::type::kNs, render_ns(spec));
  for (const NameServerSpec& server : spec.nameservers) {
    if (server.addresses.empty()) continue;
    builder.add_rrset(server.name, dns::type::kA, render_addresses(server, true));
    builder.add_rrset(server.name, dns::type::kAaaa, render_addresses(server, false));
  }
  for (const ProfileName& profile : profiles) {
    assert(profile.owner.is_at_or_below(spec.apex));
    builder.node_at(profile.owner).profile = profile.profile;
  }
  builder.add_shared(render_negative(spec, serial, dns::rcode::kNoError),
                     render_negative(spec, serial, dns::rcode::kNxDomain), render_any(spec));
  return std::move(builder).build();
}

void add_negative_soa(dns::RenderedBuilder& builder, const ZoneSpec& spec, std::uint32_t serial) {
  add_soa(builder, Section::kAuthority, spec, serial, spec.negative_ttl);
}

}  // namespace gslb::zones
