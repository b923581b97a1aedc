#include "zones/zone.h"

#include <utility>

#include "zones/master_file.h"

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using Section = dns::RenderedBuilder::Section;
using Kind = ZoneData::Lookup::Kind;

constexpr std::chrono::seconds kAnyTtl{3600};
/// Longer chains are not followed; resolvers give up before.
constexpr std::size_t kMaxChain = 12;

}  // namespace

/// Renders every node of a ZoneData.
class ZoneMaker {
 public:
  explicit ZoneMaker(const ZoneData& data) : data_(data), zone_(new Zone(data.apex())) {
    zone_->soa_ = *data.apex_soa();
    zone_->names_ = data.names();
  }

  std::shared_ptr<const Zone> make() && {
    zone_->nodes_.resize(data_.nodes().size());
    for (ZoneData::NodeIndex i = 0; i < data_.nodes().size(); ++i) {
      render(i);
      connect(i);
    }
    zone_->nodata_ = negative(dns::rcode::kNoError);
    zone_->nxdomain_ = negative(dns::rcode::kNxDomain);
    zone_->any_ = any();
    return std::move(zone_);
  }

 private:
  void render(ZoneData::NodeIndex index) {
    const NodeData& data = data_.nodes()[index];
    Node& node = zone_->nodes_[index];
    const AskedName asked{data.owner, data.owner.is_wildcard(), data_.apex()};
    node.profile = data.profile;
    if (data_.is_cut(index)) node.referral = referral(data);
    if (const RRsetData* dname = data.find(dns::type::kDname))
      node.dname = redirection(data, *dname);
    if (const RRsetData* cname = data.find(dns::type::kCname); cname && !data.profile) {
      return render_chain(asked, *cname, node);
    }
    for (const auto& [type, rrset] : data.rrsets) {
      // The addresses of the name servers come along with NS at the apex.
      node.rrsets.push_back({type, index == 0 && type == dns::type::kNs
                                       ? name_servers(rrset)
                                       : answer(asked, {}, type, rrset)});
    }
  }

  /// Notes the zone cut above the node, and the node itself where its parent has it as a wildcard.
  void connect(ZoneData::NodeIndex index) {
    const dns::Name& owner = data_.nodes()[index].owner;
    if (const auto cut = data_.cut_of(owner)) zone_->nodes_[index].cut = *cut;
    if (index == 0 || !owner.is_wildcard()) return;
    if (const auto parent = data_.find(owner.parent())) zone_->nodes_[*parent].wildcard = index;
  }

  static dns::Rendered answer(const AskedName& asked, std::span<const CnameStep> chain,
                              std::uint16_t type, const RRsetData& rrset) {
    AnswerRenderer renderer(asked, chain);
    renderer.add_answer(type, rrset);
    return std::move(renderer).build(dns::rcode::kNoError);
  }

  /// RFC 1034 §3.6.2: the CNAME, and what is at the end of the chain that it begins.
  void render_chain(const AskedName& asked, const RRsetData& cname, Node& node) {
    node.rrsets.push_back({dns::type::kCname, answer(asked, {}, dns::type::kCname, cname)});
    std::vector<CnameStep> chain = {{cname.ttl, name_in(cname.rdata.front())}};
    const ZoneData::Lookup end = follow(chain);
    const NodeData& last = data_.nodes()[end.node];

    const bool exists = end.kind == Kind::kExact || end.kind == Kind::kWildcard;
    AnswerRenderer renderer(asked, chain);
    if (exists || end.kind == Kind::kMissing) renderer.add_negative_soa(*data_.apex_soa());
    // RFC 6604 §3: the code tells of the end of the chain.
    const bool missing = end.kind == Kind::kMissing;
    node.otherwise = std::make_unique<const dns::Rendered>(
        std::move(renderer).build(missing ? dns::rcode::kNxDomain : dns::rcode::kNoError));
    if (!exists || last.find(dns::type::kCname)) return;

    for (const auto& [type, rrset] : last.rrsets) {
      node.rrsets.push_back({type, answer(asked, chain, type, rrset)});
    }
    if (last.profile) {
      std::vector<Alias>& aliases = zone_->aliases_[*last.profile];
      node.alias = {*last.profile, static_cast<std::uint32_t>(aliases.size())};
      aliases.push_back({asked, std::move(chain)});
    }
  }

  /// Extends the chain as far as it stays in this zone's own data, and returns what is at its end.
  ZoneData::Lookup follow(std::vector<CnameStep>& chain) const {
    while (true) {
      const ZoneData::Lookup found = data_.lookup(chain.back().target);
      if (found.kind != Kind::kExact && found.kind != Kind::kWildcard) return found;
      const RRsetData* next = data_.nodes()[found.node].find(dns::type::kCname);
      if (next == nullptr || chain.size() == kMaxChain) return found;
      chain.push_back({next->ttl, name_in(next->rdata.front())});
    }
  }

  dns::Rendered name_servers(const RRsetData& ns) const {
    RenderedBuilder builder = RenderedBuilder::for_name(data_.apex());
    add_rrset(builder, Section::kAnswer, data_.apex(), dns::type::kNs, ns);
    for (const auto& rdata : ns.rdata) add_addresses(builder, name_in(rdata));
    return std::move(builder).build(dns::rcode::kNoError, true);
  }

  /// Appends the addresses of a name server, as far as the zone knows them.
  void add_addresses(RenderedBuilder& builder, const dns::Name& server) const {
    const auto index = data_.find(server);
    if (!index) return;
    for (const std::uint16_t type : {dns::type::kA, dns::type::kAaaa}) {
      if (const RRsetData* addresses = data_.nodes()[*index].find(type)) {
        add_rrset(builder, Section::kAdditional, server, type, *addresses);
      }
    }
  }

  std::unique_ptr<const Node::Referral> referral(const NodeData& cut) const {
    RenderedBuilder builder = RenderedBuilder::for_any_name_below(cut.owner);
    const RRsetData& ns = *cut.find(dns::type::kNs);
    add_rrset(builder, Section::kAuthority, cut.owner, dns::type::kNs, ns);
    // RFC 9471 §3: the glue of servers inside the delegated zone is required, that of others is
    // not.
    for (const bool inside : {true, false}) {
      for (const auto& rdata : ns.rdata) {
        const dns::Name server = name_in(rdata);
        if (server.is_at_or_below(cut.owner) == inside) add_addresses(builder, server);
      }
      if (inside) builder.require_all_so_far();
    }
    return std::make_unique<const Node::Referral>(
        Node::Referral{std::move(builder).build(dns::rcode::kNoError, false), cut.owner.length()});
  }

  static std::unique_ptr<const Node::Dname> redirection(const NodeData& node,
                                                        const RRsetData& dname) {
    RenderedBuilder builder = RenderedBuilder::for_any_name_below(node.owner);
    add_rrset(builder, Section::kAnswer, node.owner, dns::type::kDname, dname);
    return std::make_unique<const Node::Dname>(
        Node::Dname{std::move(builder).build(dns::rcode::kNoError, true), dname.ttl,
                    name_in(dname.rdata.front())});
  }

  dns::Rendered negative(std::uint16_t rcode) const {
    RenderedBuilder builder = RenderedBuilder::for_any_name_below(data_.apex());
    add_negative_soa(builder, data_.apex(), *data_.apex_soa());
    return std::move(builder).build(rcode, true);
  }

  dns::Rendered any() const {
    RenderedBuilder builder = RenderedBuilder::for_any_name_below(data_.apex());
    builder.begin_record_at_query_name(Section::kAnswer, dns::type::kHinfo, dns::klass::kIn,
                                       kAnyTtl);
    builder.put_character_string("RFC8482");
    builder.put_character_string("");
    builder.end_record();
    return std::move(builder).build(dns::rcode::kNoError, true);
  }

  const ZoneData& data_;
  std::shared_ptr<Zone> zone_;
};

const Node* Zone::find(const dns::Name& name) const {
  return find(name.lower().wire(), hash_name(name));
}

std::span<const Alias> Zone::aliases_of(ProfileId profile) const {
  const auto found = aliases_.find(profile);
  return found == aliases_.end() ? std::span<const Alias>() : std::span(found->second);
}

std::shared_ptr<const Zone> make_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles,
                                      std::uint32_t serial) {
  const ZoneData data(spec, profiles, serial);
  return ZoneMaker(data).make();
}

}  // namespace gslb::zones
