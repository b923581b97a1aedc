#include "zones/snapshot.h"

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using routing::Family;
using routing::Outcome;

/// What an administrator with `dig` should see behind an answer without data; empty where that is
/// ordinary.
std::string explain(Outcome::Kind kind, const routing::ProfileSpec& profile) {
  switch (kind) {
    case Outcome::Kind::kUnavailable:
    case Outcome::Kind::kServFail:
      return "no endpoint of profile " + profile.name + " is available";
    case Outcome::Kind::kDisabled:
      return "profile " + profile.name + " is disabled";
    case Outcome::Kind::kAnswer:
    case Outcome::Kind::kNoData:
      break;
  }
  return {};
}

class OutcomeRenderer {
 public:
  OutcomeRenderer(const routing::ProfileSpec& profile, ProfileId id,
                  std::span<const routing::EndpointSpec> endpoints, const Zone& zone,
                  const Signer* signer, const routing::DecisionTree& tree, Family family)
      : profile_(profile),
        endpoints_(endpoints),
        zone_(zone),
        signer_(signer),
        denial_(zone.denial_of(id)),
        tree_(tree),
        family_(family) {}

  CompiledProfile::Rendering render_all(const Alias& at) const {
    CompiledProfile::Rendering rendered;
    for (const Outcome& outcome : tree_.outcomes()) rendered.push_back(render(outcome, at));
    return rendered;
  }

 private:
  Answer render(const Outcome& outcome, const Alias& at) const {
    switch (outcome.kind) {
      case Outcome::Kind::kAnswer:
        return addresses(outcome, at);
      case Outcome::Kind::kServFail:
        return failure(outcome, at);
      case Outcome::Kind::kNoData:
      case Outcome::Kind::kUnavailable:
      case Outcome::Kind::kDisabled:
        break;
    }
    return nothing(outcome, at);
  }

  Answer addresses(const Outcome& outcome, const Alias& at) const {
    const RRsetData rrset = addresses_of(outcome);
    return make_answer(signer_, links_of(at.proofs), [&](const Signer* signer) {
      AnswerRenderer renderer(at.asked, at.chain, signer);
      renderer.add_answer(profile_.owner, type(), rrset);
      if (signer != nullptr) renderer.add_proofs(at.proofs);
      return std::move(renderer).build(dns::rcode::kNoError);
    });
  }

  Answer nothing(const Outcome& outcome, const Alias& at) const {
    std::vector<Proof> proofs;
    if (denial_ != nullptr) {
      proofs = at.proofs;
      const Proof& denial = family_ == Family::kIpv4 ? denial_->no_a : denial_->no_aaaa;
      // It covers as much as the record that it stands in for.
      std::erase_if(proofs, [&](const Proof& proof) { return proof.link == denial.link; });
      proofs.push_back(denial);
    }
    return make_answer(signer_, links_of(proofs), [&](const Signer* signer) {
      AnswerRenderer renderer(at.asked, at.chain, signer);
      add_explanation(renderer, outcome);
      renderer.add_negative_soa(zone_.soa());
      if (signer != nullptr) renderer.add_proofs(proofs);
      return std::move(renderer).build(dns::rcode::kNoError);
    });
  }

  Answer failure(const Outcome& outcome, const Alias& at) const {
    AnswerRenderer renderer(at.asked, {}, nullptr);
    add_explanation(renderer, outcome);
    return {std::move(renderer).build(dns::rcode::kServFail, false), nullptr};
  }

  void add_explanation(AnswerRenderer& renderer, const Outcome& outcome) const {
    if (const std::string text = explain(outcome.kind, profile_); !text.empty()) {
      renderer.add_extended_error(dns::extended_error::kOther, text);
    }
  }

  std::uint16_t type() const { return family_ == Family::kIpv4 ? dns::type::kA : dns::type::kAaaa; }

  RRsetData addresses_of(const Outcome& outcome) const {
    const routing::EndpointSpec& endpoint = endpoints_[outcome.endpoint];
    RRsetData rrset;
    rrset.ttl = outcome.ttl;
    rrset.original_ttl = profile_.ttl;
    for (const base::IpAddress& ip : family_ == Family::kIpv4 ? endpoint.ipv4 : endpoint.ipv6) {
      rrset.rdata.emplace_back(ip.bytes().begin(), ip.bytes().end());
    }
    return rrset;
  }

  const routing::ProfileSpec& profile_;
  std::span<const routing::EndpointSpec> endpoints_;
  const Zone& zone_;
  const Signer* signer_;
  const ProfileDenial* denial_;
  const routing::DecisionTree& tree_;
  Family family_;
};

/// A TXT record of class CHAOS at the query name.
dns::Rendered chaos_txt(const std::string& text) {
  RenderedBuilder builder = RenderedBuilder::for_any_name_below(dns::Name());
  if (text.empty()) return std::move(builder).build(dns::rcode::kRefused, false);
  builder.begin_record_at_query_name(RenderedBuilder::Section::kAnswer, dns::type::kTxt,
                                     dns::klass::kCh, std::chrono::seconds{0});
  builder.put_character_string(text);
  builder.end_record();
  return std::move(builder).build(dns::rcode::kNoError, true);
}

}  // namespace

ZoneSet::ZoneSet(std::vector<std::shared_ptr<const Zone>> zones) : zones_(std::move(zones)) {
  for (std::uint32_t i = 0; i < zones_.size(); ++i) apexes_.insert(zones_[i]->apex(), i);
}

std::shared_ptr<const CompiledProfile> make_compiled_profile(
    const routing::ProfileSpec& profile, ProfileId id,
    std::span<const routing::EndpointSpec> endpoints,
    std::span<const routing::EndpointState> states, const Zone& zone,
    std::chrono::sys_seconds now) {
  const Alias own{{profile.owner, profile.owner.is_wildcard(), zone.apex()}, {}, {}};
  const std::span<const Alias> aliases = zone.aliases_of(id);
  const std::optional<Signer> signer = zone.signer_at(now);
  const auto answers = [&](Family family) {
    CompiledProfile::Answers result{routing::compile(profile, endpoints, states, family), {}, {}};
    const OutcomeRenderer renderer(profile, id, endpoints, zone, signer ? &*signer : nullptr,
                                   result.tree, family);
    result.rendered = renderer.render_all(own);
    for (const Alias& alias : aliases) result.for_aliases.push_back(renderer.render_all(alias));
    return result;
  };
  return std::make_shared<const CompiledProfile>(
      CompiledProfile{answers(Family::kIpv4), answers(Family::kIpv6)});
}

std::shared_ptr<const Identity> make_identity(const std::string& name, const std::string& version) {
  auto result = std::make_shared<Identity>();
  result->name_txt = chaos_txt(name);
  result->version_txt = chaos_txt(version);
  if (!name.empty()) {
    const std::vector<std::uint8_t> octets(name.begin(), name.end());
    dns::append_option(result->nsid_option, dns::edns_option::kNsid, octets);
  }
  return result;
}

}  // namespace gslb::zones
