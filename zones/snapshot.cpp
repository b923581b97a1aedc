#include "zones/snapshot.h"

namespace gslb::zones {
namespace {

using dns::RenderedBuilder;
using routing::Family;
using routing::Outcome;

constexpr std::uint16_t kExtendedErrorOther = 0;  // RFC 8914 §4.1

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
                  std::span<const routing::EndpointSpec> endpoints, const ZoneSpec& zone,
                  std::uint32_t serial)
      : profile_(profile), endpoints_(endpoints), zone_(zone), serial_(serial) {}

  dns::Rendered render(const Outcome& outcome, Family family) const {
    RenderedBuilder builder = RenderedBuilder::for_name(profile_.owner);
    if (outcome.kind == Outcome::Kind::kAnswer) {
      add_addresses(builder, outcome, family);
      return std::move(builder).build(dns::rcode::kNoError, true);
    }
    if (const std::string text = explain(outcome.kind, profile_); !text.empty()) {
      builder.add_extended_error(kExtendedErrorOther, text);
    }
    if (outcome.kind == Outcome::Kind::kServFail) {
      return std::move(builder).build(dns::rcode::kServFail, false);
    }
    add_negative_soa(builder, zone_, serial_);
    return std::move(builder).build(dns::rcode::kNoError, true);
  }

 private:
  void add_addresses(RenderedBuilder& builder, const Outcome& outcome, Family family) const {
    const routing::EndpointSpec& endpoint = endpoints_[outcome.endpoint];
    const bool v4 = family == Family::kIpv4;
    for (const base::IpAddress& address : v4 ? endpoint.ipv4 : endpoint.ipv6) {
      builder.begin_record(RenderedBuilder::Section::kAnswer, profile_.owner,
                           v4 ? dns::type::kA : dns::type::kAaaa, outcome.ttl);
      builder.put_bytes(address.bytes());
      builder.end_record();
    }
  }

  const routing::ProfileSpec& profile_;
  std::span<const routing::EndpointSpec> endpoints_;
  const ZoneSpec& zone_;
  std::uint32_t serial_;
};

}  // namespace

ZoneSet::ZoneSet(std::vector<std::shared_ptr<const Zone>> zones) : zones_(std::move(zones)) {
  for (std::uint32_t i = 0; i < zones_.size(); ++i) apexes_.insert(zones_[i]->apex(), i);
}

std::shared_ptr<const CompiledProfile> make_compiled_profile(
    const routing::ProfileSpec& profile, std::span<const routing::EndpointSpec> endpoints,
    std::span<const routing::EndpointState> states, const ZoneSpec& zone, std::uint32_t serial) {
  const OutcomeRenderer renderer(profile, endpoints, zone, serial);
  const auto answers = [&](Family family) {
    CompiledProfile::Answers result{routing::compile(profile, endpoints, states, family), {}};
    for (const Outcome& outcome : result.tree.outcomes()) {
      result.rendered.push_back(renderer.render(outcome, family));
    }
    return result;
  };
  return std::make_shared<const CompiledProfile>(
      CompiledProfile{answers(Family::kIpv4), answers(Family::kIpv6)});
}

std::shared_ptr<const Identity> make_identity(const std::string& identity) {
  auto result = std::make_shared<Identity>();
  result->nsid_option.resize(4);
  dns::store_u16(&result->nsid_option[0], dns::edns_option::kNsid);
  dns::store_u16(&result->nsid_option[2], static_cast<std::uint16_t>(identity.size()));
  result->nsid_option.insert(result->nsid_option.end(), identity.begin(), identity.end());

  RenderedBuilder builder = RenderedBuilder::for_any_name_below(dns::Name());
  builder.begin_record_at_query_name(RenderedBuilder::Section::kAnswer, dns::type::kTxt,
                                     dns::klass::kCh, std::chrono::seconds{0});
  builder.put_character_string(identity);
  builder.end_record();
  result->chaos_txt = std::move(builder).build(dns::rcode::kNoError, true);
  return result;
}

}  // namespace gslb::zones
