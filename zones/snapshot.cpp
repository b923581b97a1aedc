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
  OutcomeRenderer(const routing::ProfileSpec& profile,
                  std::span<const routing::EndpointSpec> endpoints, const Zone& zone,
                  const routing::DecisionTree& tree, Family family)
      : profile_(profile), endpoints_(endpoints), zone_(zone), tree_(tree), family_(family) {}

  CompiledProfile::Rendering render_all(const Alias& at) const {
    CompiledProfile::Rendering rendered;
    for (const Outcome& outcome : tree_.outcomes()) rendered.push_back(render(outcome, at));
    return rendered;
  }

 private:
  dns::Rendered render(const Outcome& outcome, const Alias& at) const {
    if (outcome.kind == Outcome::Kind::kAnswer) {
      AnswerRenderer renderer(at.asked, at.chain);
      renderer.add_answer(family_ == Family::kIpv4 ? dns::type::kA : dns::type::kAaaa,
                          addresses(outcome));
      return std::move(renderer).build(dns::rcode::kNoError);
    }
    const bool failed = outcome.kind == Outcome::Kind::kServFail;
    AnswerRenderer renderer(at.asked, failed ? std::span<const CnameStep>() : at.chain);
    if (const std::string text = explain(outcome.kind, profile_); !text.empty()) {
      renderer.add_extended_error(dns::extended_error::kOther, text);
    }
    if (failed) return std::move(renderer).build(dns::rcode::kServFail, false);
    renderer.add_negative_soa(zone_.soa());
    return std::move(renderer).build(dns::rcode::kNoError);
  }

  RRsetData addresses(const Outcome& outcome) const {
    const routing::EndpointSpec& endpoint = endpoints_[outcome.endpoint];
    RRsetData rrset;
    rrset.ttl = outcome.ttl;
    for (const base::IpAddress& ip : family_ == Family::kIpv4 ? endpoint.ipv4 : endpoint.ipv6) {
      rrset.rdata.emplace_back(ip.bytes().begin(), ip.bytes().end());
    }
    return rrset;
  }

  const routing::ProfileSpec& profile_;
  std::span<const routing::EndpointSpec> endpoints_;
  const Zone& zone_;
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
    std::span<const routing::EndpointState> states, const Zone& zone) {
  const Alias own{{profile.owner, false, zone.apex()}, {}};
  const std::span<const Alias> aliases = zone.aliases_of(id);
  const auto answers = [&](Family family) {
    CompiledProfile::Answers result{routing::compile(profile, endpoints, states, family), {}, {}};
    const OutcomeRenderer renderer(profile, endpoints, zone, result.tree, family);
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
