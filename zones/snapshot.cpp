#include "zones/snapshot.h"

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using routing::Family;
using routing::Outcome;

/// What an administrator with `dig` should see beside an answer; empty where that is ordinary.
std::string explain(Outcome::Kind kind, const routing::ProfileSpec& profile) {
  switch (kind) {
    case Outcome::Kind::kUnavailable:
    case Outcome::Kind::kServFail:
      return "no endpoint of profile " + profile.name + " is available";
    case Outcome::Kind::kFallback:
      return "no endpoint of profile " + profile.name +
             " is available, so its fallback is answered";
    case Outcome::Kind::kNoMatch:
      return "no endpoint of profile " + profile.name + " is for this client";
    case Outcome::Kind::kDisabled:
      return "profile " + profile.name + " is disabled";
    case Outcome::Kind::kAnswer:
    case Outcome::Kind::kAddresses:
    case Outcome::Kind::kNoData:
      break;
  }
  return {};
}

class OutcomeRenderer {
 public:
  OutcomeRenderer(ProfileId id, const routing::RoutingState& state, const Zone& zone,
                  const Signer* signer, const routing::DecisionTree& tree, Family family)
      : profile_(state.profiles[id]),
        state_(state),
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
    if (outcome.has_data()) return data(outcome, at);
    if (outcome.kind == Outcome::Kind::kServFail) return failure(outcome, at);
    return nothing(outcome, at);
  }

  Answer data(const Outcome& outcome, const Alias& at) const {
    const std::uint16_t type = type_of(outcome);
    const RRsetData rrset = rrset_of(outcome);
    return make_answer(signer_, links_of(at.proofs), [&](const Signer* signer) {
      AnswerRenderer renderer(at.asked, at.chain, signer);
      add_explanation(renderer, outcome);
      renderer.add_answer(profile_.owner, type, rrset);
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
    const std::string text = explain(outcome.kind, state_.profiles[outcome.profile]);
    if (!text.empty()) renderer.add_extended_error(dns::extended_error::kOther, text);
  }

  const routing::EndpointSpec& endpoint_of(const Outcome& outcome) const {
    return state_.endpoints[outcome.endpoint];
  }

  std::uint16_t type_of(const Outcome& outcome) const {
    if (outcome.kind == Outcome::Kind::kAnswer && endpoint_of(outcome).target) {
      return dns::type::kCname;
    }
    return family_ == Family::kIpv4 ? dns::type::kA : dns::type::kAaaa;
  }

  RRsetData rrset_of(const Outcome& outcome) const {
    RRsetData rrset;
    rrset.ttl = outcome.ttl;
    rrset.original_ttl = profile_.ttl;
    if (type_of(outcome) == dns::type::kCname) {
      append(rrset.rdata.emplace_back(), endpoint_of(outcome).target->wire());
      return rrset;
    }
    for (const base::IpAddress& address : addresses_of(outcome)) {
      append(rrset.rdata.emplace_back(), address.bytes());
    }
    return rrset;
  }

  const std::vector<base::IpAddress>& addresses_of(const Outcome& outcome) const {
    if (outcome.kind != Outcome::Kind::kAnswer) return outcome.addresses;
    const routing::EndpointSpec& endpoint = endpoint_of(outcome);
    return family_ == Family::kIpv4 ? endpoint.ipv4 : endpoint.ipv6;
  }

  const routing::ProfileSpec& profile_;
  const routing::RoutingState& state_;
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

std::shared_ptr<const routing::LocationMap> no_locations() {
  static const auto none = std::make_shared<const routing::LocationMap>();
  return none;
}

std::shared_ptr<const routing::LatencyMap> no_latency() {
  static const auto none = std::make_shared<const routing::LatencyMap>();
  return none;
}

std::shared_ptr<const CompiledProfile> make_compiled_profile(ProfileId id,
                                                             const routing::RoutingState& state,
                                                             const Zone& zone,
                                                             std::chrono::sys_seconds now) {
  const dns::Name& owner = state.profiles[id].owner;
  const Alias own{{owner, owner.is_wildcard(), zone.apex()}, {}, {}};
  const std::span<const Alias> aliases = zone.aliases_of(id);
  const std::optional<Signer> signer = zone.signer_at(now);
  routing::Judge judge(state);
  const auto answers = [&](Family family) {
    CompiledProfile::Answers result{routing::compile(id, state, judge, family), {}, {}};
    const OutcomeRenderer renderer(id, state, zone, signer ? &*signer : nullptr, result.tree,
                                   family);
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
