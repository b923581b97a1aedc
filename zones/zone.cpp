#include "zones/zone.h"

#include <algorithm>
#include <utility>

#include "zones/master_file.h"
#include "zones/nsec.h"

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using Section = dns::RenderedBuilder::Section;
using Kind = ZoneData::Lookup::Kind;

constexpr std::chrono::seconds kAnyTtl{3600};
/// Long enough to be cached, short enough for a rollover within a day.
constexpr std::chrono::seconds kDnskeyTtl{3600};
/// Longer chains are not followed; resolvers give up before.
constexpr std::size_t kMaxChain = 12;

/// Adds DNSKEY, CDS and CDNSKEY (RFC 4034 §2, RFC 7344 §3).
void add_key_records(ZoneData& data, const SigningKeys& keys) {
  const auto add = [&](std::uint16_t type, const auto& of, const auto& to_rdata) {
    RRsetData rrset{kDnskeyTtl, {}, std::nullopt, std::nullopt};
    for (const std::shared_ptr<const DnssecKey>& key : of) rrset.rdata.push_back(to_rdata(*key));
    if (!rrset.rdata.empty()) data.add_to_apex(type, std::move(rrset));
  };
  const auto dnskey = [](const DnssecKey& key) { return key.dnskey(); };
  add(dns::type::kDnskey, keys.published, dnskey);
  add(dns::type::kCdnskey, keys.sync, dnskey);
  add(dns::type::kCds, keys.sync,
      [](const DnssecKey& key) { return ds_rdata(key, DsDigest::kSha256); });
}

}  // namespace

/// Renders every node of a ZoneData, with signatures where it is given a signer.
class ZoneMaker {
 public:
  explicit ZoneMaker(const ZoneData& data) : data_(data), zone_(new Zone(data.apex())) {
    zone_->soa_ = *data.apex_soa();
    zone_->names_ = data.names();
  }

  /// The zone becomes a signed one.
  void sign(SigningKeys keys, std::chrono::seconds validity, const SigningTime& time) {
    zone_->signing_ = {std::move(keys), validity, time.cache};
    signer_ = zone_->signer_at(time.now);
    chain_.emplace(data_);
  }

  std::shared_ptr<const Zone> make(const std::optional<TransferSpec>& transfer) && {
    zone_->nodes_.resize(data_.nodes().size());
    for (ZoneData::NodeIndex i = 0; i < data_.nodes().size(); ++i) {
      render(i);
      connect(i);
    }
    zone_->nodata_ = negative(dns::rcode::kNoError);
    zone_->nxdomain_ = negative(dns::rcode::kNxDomain);
    zone_->any_ = any();
    if (chain_) render_proofs();
    if (transfer) zone_->transfer_ = std::make_shared<const ZoneTransfer>(data_, *transfer);
    return std::move(zone_);
  }

 private:
  /// Where a chain of CNAMEs ends, and what proves that it leads there.
  struct ChainEnd {
    ZoneData::Lookup found;
    std::vector<Proof> proofs;
  };

  const Signer* signer() const { return signer_ ? &*signer_ : nullptr; }

  void render(ZoneData::NodeIndex index) {
    const NodeData& data = data_.nodes()[index];
    Node& node = zone_->nodes_[index];
    const AskedName asked{data.owner, data.owner.is_wildcard(), data_.apex()};
    if (data.profile) node.profile = data.profile->id;
    if (data_.is_cut(index)) node.referral = referral(data);
    if (const RRsetData* dname = data.find(dns::type::kDname)) {
      node.dname = redirection(data, *dname);
    }
    if (const RRsetData* cname = data.find(dns::type::kCname); cname && !data.profile) {
      render_chain(asked, {data.owner, *cname}, node);
    } else {
      for (const auto& [type, rrset] : data.rrsets) {
        // The addresses of the name servers come along with NS at the apex.
        node.rrsets.push_back({type, index == 0 && type == dns::type::kNs
                                         ? name_servers(rrset)
                                         : answer(asked, {}, {}, data.owner, type, rrset)});
      }
    }
    if (chain_) render_dnssec_types(asked, data, node);
  }

  /// What who asks for NSEC or RRSIG gets (RFC 4035 §3.1.5).
  void render_dnssec_types(const AskedName& asked, const NodeData& data, Node& node) {
    const std::optional<NsecChain::Link> link = chain_->link_at(data.owner);
    if (!link) return;
    const RRsetData nsec = chain_->record(*link);
    node.rrsets.push_back(
        {dns::type::kNsec, answer(asked, {}, {}, data.owner, dns::type::kNsec, nsec)});
    RRsetData rrsigs{nsec.ttl, {}, std::nullopt, std::nullopt};
    const auto add_signatures = [&](std::uint16_t type, const RRsetData& rrset) {
      for (Rdata& rdata : signer_->sign(data.owner, type, rrset)) {
        rrsigs.rdata.push_back(std::move(rdata));
      }
      rrsigs.ttl = std::min(rrsigs.ttl, rrset.ttl);
    };
    for (const auto& [type, rrset] : data.rrsets) {
      if (!node.referral || type == dns::type::kDs) add_signatures(type, rrset);
    }
    add_signatures(dns::type::kNsec, nsec);
    node.rrsets.push_back({dns::type::kRrsig, make_answer(signer(), {}, [&](const Signer*) {
                             AnswerRenderer renderer(asked, {}, nullptr);
                             renderer.add_answer(data.owner, dns::type::kRrsig, rrsigs);
                             return std::move(renderer).build(dns::rcode::kNoError);
                           })});
  }

  /// Notes the zone cut above the node, and the node itself where its parent has it as a wildcard.
  void connect(ZoneData::NodeIndex index) {
    const dns::Name& owner = data_.nodes()[index].owner;
    Node& node = zone_->nodes_[index];
    if (const auto cut = data_.cut_of(owner)) node.cut = *cut;
    if (chain_) {
      node.denial = chain_->covering(owner);
      node.no_wildcard = covering_wildcard_below(owner);
    }
    if (index == 0 || !owner.is_wildcard()) return;
    if (const auto parent = data_.find(owner.parent())) zone_->nodes_[*parent].wildcard = index;
  }

  /// The link that covers the wildcard below a name, should there be none.
  NsecChain::Link covering_wildcard_below(const dns::Name& owner) const {
    return owner.length() + 2 <= dns::kMaxNameLength ? chain_->covering(wildcard_below(owner))
                                                     : chain_->covering(owner);
  }

  /// The NSEC records and how they stand in responses; those of profiles.
  void render_proofs() {
    std::vector<dns::Name> owners;
    for (NsecChain::Link link = 0; link < chain_->size(); ++link) {
      const NodeData& node = chain_->node(link);
      owners.push_back(node.owner);
      RenderedBuilder builder = RenderedBuilder::for_any_name_below(data_.apex());
      add_rrset(builder, Section::kAuthority, node.owner, dns::type::kNsec, chain_->record(link),
                signer());
      zone_->proofs_.push_back(std::move(builder).build(dns::rcode::kNoError, true));
      if (node.profile) {
        zone_->denials_[node.profile->id] = {proof(link, dns::type::kA),
                                             proof(link, dns::type::kAaaa)};
      }
    }
    zone_->nsec_index_ = chain_->index();
  }

  Proof proof(NsecChain::Link link, std::optional<std::uint16_t> denied = std::nullopt) const {
    return {link, chain_->node(link).owner, chain_->record(link, denied)};
  }

  /// Each link once.
  void add_proof(std::vector<Proof>& proofs, NsecChain::Link link) const {
    const bool is_there = std::any_of(proofs.begin(), proofs.end(),
                                      [link](const Proof& known) { return known.link == link; });
    if (!is_there) proofs.push_back(proof(link));
  }

  /// The answer at the end of a chain.
  Answer answer(const AskedName& asked, std::span<const CnameStep> chain,
                std::span<const Proof> proofs, const dns::Name& owner, std::uint16_t type,
                const RRsetData& rrset) const {
    return make_answer(signer(), links_of(proofs), [&](const Signer* signer) {
      AnswerRenderer renderer(asked, chain, signer);
      renderer.add_answer(owner, type, rrset);
      if (signer != nullptr) renderer.add_proofs(proofs);
      return std::move(renderer).build(dns::rcode::kNoError);
    });
  }

  /// RFC 1034 §3.6.2: the CNAME, and what is at the end of the chain that it begins.
  void render_chain(const AskedName& asked, CnameStep first, Node& node) {
    node.rrsets.push_back(
        {dns::type::kCname, answer(asked, {}, {}, first.owner, dns::type::kCname, first.cname)});
    std::vector<CnameStep> chain = {std::move(first)};
    const ChainEnd end = follow(chain);
    const NodeData& last = data_.nodes()[end.found.node];

    switch (end.found.kind) {
      case Kind::kExact:
      case Kind::kWildcard:
        if (last.find(dns::type::kCname)) break;
        node.otherwise = std::make_unique<const Answer>(
            negative_at_end(asked, chain, end, dns::rcode::kNoError));
        for (const auto& [type, rrset] : last.rrsets) {
          node.rrsets.push_back({type, answer(asked, chain, end.proofs, last.owner, type, rrset)});
        }
        if (last.profile) {
          std::vector<Alias>& aliases = zone_->aliases_[last.profile->id];
          node.alias = {last.profile->id, static_cast<std::uint32_t>(aliases.size())};
          aliases.push_back({asked, std::move(chain), end.proofs});
        }
        return;
      case Kind::kMissing:
        // RFC 6604 §3: the code tells of the end of the chain.
        node.otherwise = std::make_unique<const Answer>(
            negative_at_end(asked, chain, end, dns::rcode::kNxDomain));
        return;
      case Kind::kDelegated:
        render_chain_into_cut(asked, chain, end, node);
        return;
      case Kind::kDname:
      case Kind::kOutside:
        break;
    }
    // The client goes on from there.
    node.otherwise = std::make_unique<const Answer>(
        make_answer(signer(), links_of(end.proofs), [&](const Signer* signer) {
          AnswerRenderer renderer(asked, chain, signer);
          if (signer != nullptr) renderer.add_proofs(end.proofs);
          return std::move(renderer).build(dns::rcode::kNoError);
        }));
  }

  /// A chain that ends without data, at a name that exists or not.
  Answer negative_at_end(const AskedName& asked, std::span<const CnameStep> chain,
                         const ChainEnd& end, std::uint16_t rcode) const {
    std::vector<Proof> proofs = end.proofs;
    if (chain_) {
      const dns::Name target = chain.back().target();
      if (end.found.kind == Kind::kMissing) {
        add_proof(proofs, chain_->covering(target));
        add_proof(proofs, covering_wildcard_below(data_.closest_encloser(target)));
      } else {
        add_proof(proofs, chain_->covering(data_.nodes()[end.found.node].owner));
      }
    }
    return make_answer(signer(), links_of(proofs), [&](const Signer* signer) {
      AnswerRenderer renderer(asked, chain, signer);
      renderer.add_negative_soa(*data_.apex_soa());
      if (signer != nullptr) renderer.add_proofs(proofs);
      return std::move(renderer).build(rcode);
    });
  }

  /// RFC 1034 §4.3.2, steps 3a and 3b: behind the chain comes the referral. DS of the cut itself is
  /// this zone's to answer (RFC 4035 §3.1.4.1).
  void render_chain_into_cut(const AskedName& asked, std::span<const CnameStep> chain,
                             const ChainEnd& end, Node& node) const {
    const NodeData& cut = data_.nodes()[end.found.node];
    node.otherwise = std::make_unique<const Answer>(
        make_answer(signer(), links_of(end.proofs), [&](const Signer* signer) {
          AnswerRenderer renderer(asked, chain, signer);
          add_referral(renderer.builder(), cut, signer);
          return std::move(renderer).build(dns::rcode::kNoError);
        }));
    if (!(chain.back().target() == cut.owner)) return;
    if (const RRsetData* ds = cut.find(dns::type::kDs)) {
      node.rrsets.push_back(
          {dns::type::kDs, answer(asked, chain, end.proofs, cut.owner, dns::type::kDs, *ds)});
    } else {
      node.rrsets.push_back(
          {dns::type::kDs, negative_at_end(asked, chain, end, dns::rcode::kNoError)});
    }
  }

  /// Extends the chain as far as it stays in this zone's own data.
  ChainEnd follow(std::vector<CnameStep>& chain) const {
    ChainEnd end;
    while (true) {
      const dns::Name target = chain.back().target();
      end.found = data_.lookup(target);
      if (end.found.kind == Kind::kWildcard && chain_) {
        add_proof(end.proofs, chain_->covering(target));
      }
      if (end.found.kind != Kind::kExact && end.found.kind != Kind::kWildcard) return end;
      const NodeData& node = data_.nodes()[end.found.node];
      const RRsetData* next = node.find(dns::type::kCname);
      if (next == nullptr || chain.size() == kMaxChain) return end;
      chain.push_back({node.owner, *next});
    }
  }

  Answer name_servers(const RRsetData& ns) const {
    return make_answer(signer(), {}, [&](const Signer* signer) {
      RenderedBuilder builder = RenderedBuilder::for_name(data_.apex());
      add_rrset(builder, Section::kAnswer, data_.apex(), dns::type::kNs, ns, signer);
      for (const Rdata& rdata : ns.rdata) add_addresses(builder, name_in(rdata), signer);
      return std::move(builder).build(dns::rcode::kNoError, true);
    });
  }

  /// Appends the addresses of a name server, as far as the zone knows them.
  void add_addresses(RenderedBuilder& builder, const dns::Name& server,
                     const Signer* signer) const {
    const auto index = data_.find(server);
    if (!index) return;
    if (data_.cut_of(server)) signer = nullptr;  // Glue is not ours to sign.
    for (const std::uint16_t type : {dns::type::kA, dns::type::kAaaa}) {
      if (const RRsetData* addresses = data_.nodes()[*index].find(type)) {
        add_rrset(builder, Section::kAdditional, server, type, *addresses, signer);
      }
    }
  }

  std::unique_ptr<const Node::Referral> referral(const NodeData& cut) const {
    Answer answer = make_answer(signer(), {}, [&](const Signer* signer) {
      RenderedBuilder builder = RenderedBuilder::for_any_name_below(cut.owner);
      add_referral(builder, cut, signer);
      return std::move(builder).build(dns::rcode::kNoError, false);
    });
    return std::make_unique<const Node::Referral>(
        Node::Referral{std::move(answer), cut.owner.length()});
  }

  /// NS without signatures, since the child has authority for them; signed, DS or what proves that
  /// there is none (RFC 4035 §3.1.4).
  void add_referral(RenderedBuilder& builder, const NodeData& cut, const Signer* signer) const {
    const RRsetData& ns = *cut.find(dns::type::kNs);
    add_rrset(builder, Section::kAuthority, cut.owner, dns::type::kNs, ns, nullptr);
    if (signer != nullptr) {
      const RRsetData* ds = cut.find(dns::type::kDs);
      if (ds != nullptr) {
        add_rrset(builder, Section::kAuthority, cut.owner, dns::type::kDs, *ds, signer);
      } else {
        add_rrset(builder, Section::kAuthority, cut.owner, dns::type::kNsec,
                  chain_->record(chain_->covering(cut.owner)), signer);
      }
    }
    // RFC 9471 §3: the glue of servers inside the delegated zone is required, that of others is
    // not.
    for (const bool inside : {true, false}) {
      for (const Rdata& rdata : ns.rdata) {
        const dns::Name server = name_in(rdata);
        if (server.is_at_or_below(cut.owner) == inside) add_addresses(builder, server, nullptr);
      }
      if (inside) builder.require_all_so_far();
    }
  }

  std::unique_ptr<const Node::Dname> redirection(const NodeData& node,
                                                 const RRsetData& dname) const {
    Answer record = make_answer(signer(), {}, [&](const Signer* signer) {
      RenderedBuilder builder = RenderedBuilder::for_any_name_below(node.owner);
      add_rrset(builder, Section::kAnswer, node.owner, dns::type::kDname, dname, signer);
      return std::move(builder).build(dns::rcode::kNoError, true);
    });
    return std::make_unique<const Node::Dname>(
        Node::Dname{std::move(record), dname.ttl, name_in(dname.rdata.front())});
  }

  Answer negative(std::uint16_t rcode) const {
    return make_answer(signer(), {}, [&](const Signer* signer) {
      RenderedBuilder builder = RenderedBuilder::for_any_name_below(data_.apex());
      add_rrset(builder, Section::kAuthority, data_.apex(), dns::type::kSoa,
                negative_soa(*data_.apex_soa()), signer);
      return std::move(builder).build(rcode, true);
    });
  }

  Answer any() const {
    return make_answer(nullptr, {}, [&](const Signer*) {
      RenderedBuilder builder = RenderedBuilder::for_any_name_below(data_.apex());
      builder.begin_record_at_query_name(Section::kAnswer, dns::type::kHinfo, dns::klass::kIn,
                                         kAnyTtl);
      builder.put_character_string("RFC8482");
      builder.put_character_string("");
      builder.end_record();
      return std::move(builder).build(dns::rcode::kNoError, true);
    });
  }

  const ZoneData& data_;
  std::optional<Signer> signer_;
  std::optional<NsecChain> chain_;  ///< Where there is a signer.
  std::shared_ptr<Zone> zone_;
};

const Node* Zone::find(const dns::Name& name) const {
  return find(name.lower().wire(), hash_name(name));
}

std::span<const Alias> Zone::aliases_of(ProfileId profile) const {
  const auto found = aliases_.find(profile);
  return found == aliases_.end() ? std::span<const Alias>() : std::span(found->second);
}

const ProfileDenial* Zone::denial_of(ProfileId profile) const {
  const auto found = denials_.find(profile);
  return found == denials_.end() ? nullptr : &found->second;
}

std::optional<Signer> Zone::signer_at(std::chrono::sys_seconds now) const {
  if (!signing_) return std::nullopt;
  return Signer(apex_, signing_->keys, signing_->validity, {signing_->cache, now});
}

std::shared_ptr<const Zone> make_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles,
                                      std::uint32_t serial, const SigningTime& time) {
  ZoneData data(spec, profiles, serial);
  if (!spec.signing) return ZoneMaker(data).make(spec.transfer);
  SigningKeys keys = signing_keys(spec.signing->keys, time.now);
  add_key_records(data, keys);
  ZoneMaker maker(data);
  maker.sign(std::move(keys), spec.signing->validity, time);
  return std::move(maker).make(std::nullopt);
}

}  // namespace gslb::zones
