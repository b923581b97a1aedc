#include <algorithm>
#include <utility>

#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using routing::AllDown;
using routing::Method;
using routing::ProfileEndpointSpec;
using routing::ProfileSpec;
using namespace std::chrono_literals;

constexpr unsigned kMaxWeight = 1000;
constexpr unsigned kMaxPriority = 1000;

const Section& section() {
  static const Section kSection{"profile",
                                "[profile.NAME]",
                                {"name", "method", "ttl", "when_all_down", "enabled", "endpoints"},
                                {"fallback", "sticky", "max_answers", "unhealthy_region"}};
  return kSection;
}

constexpr std::string_view kEndpointsAdvice = "write [[profile.NAME.endpoints]] for each endpoint";

/// The names that a profile may not take, with who has them.
std::string problem_with_owner(const dns::Name& owner, const Draft& draft) {
  const std::vector<zones::ZoneSpec>& zones = draft.config.zones;
  const bool has_zone = std::any_of(zones.begin(), zones.end(), [&](const zones::ZoneSpec& zone) {
    return owner.is_at_or_below(zone.apex);
  });
  if (!has_zone && !draft.has_broken_zone) {
    return "lies in none of the zones; use a name such as " +
           quote("vpn." + zones.front().apex.to_string()) + ", or add the zone";
  }
  for (const zones::ZoneSpec& zone : zones) {
    for (const zones::NameServerSpec& server : zone.nameservers) {
      if (server.name == owner) {
        return "is a name server of the zone " + quote(zone.apex.to_string()) +
               "; choose another name";
      }
    }
  }
  for (const ProfileSpec& profile : draft.config.profiles) {
    if (profile.owner == owner) {
      return "is the name of " + key_path("profile", profile.name) +
             " already; choose another name";
    }
  }
  return {};
}

void read_owner(const TableReader& reader, const Draft& draft, ProfileSpec& profile) {
  reader.require("name", "write the DNS name to answer, such as name = \"vpn.gslb.example.com\"");
  const auto owner = reader.parsed("name", parse_domain_name);
  if (!owner) return;
  const std::string problem = problem_with_owner(*owner, draft);
  if (!problem.empty()) reader.error("name", quote(owner->to_string()) + " " + problem);
  profile.owner = *owner;
}

/// One `[[profile.NAME.endpoints]]`; `position` counts from 1.
std::optional<ProfileEndpointSpec> read_profile_endpoint(const Value& value, Method method,
                                                         std::size_t position, Draft& draft,
                                                         Report& report) {
  const toml::table* table = read_table(value, report, "write { endpoint = \"NAME\" }");
  if (table == nullptr) return std::nullopt;
  TableReader reader(*table, value.path, report);
  reader.check_keys(
      {"endpoint", "weight", "priority", "always_serve", "enabled"},
      {"profile", "min_children", "min_children_ipv4", "min_children_ipv6", "regions", "subnets"});
  ProfileEndpointSpec spec;
  spec.weight = reader.integer("weight", 0, kMaxWeight).value_or(1);
  spec.always_serve = reader.boolean("always_serve").value_or(false);
  spec.enabled = reader.boolean("enabled").value_or(true);

  const auto priority = reader.integer("priority", 1, kMaxPriority);
  spec.priority =
      priority.value_or(static_cast<unsigned>(std::min<std::size_t>(position, kMaxPriority)));
  if (method == Method::kWeighted && priority) {
    reader.warning("priority", "has no effect with method \"weighted\"; remove it");
  }
  if (method == Method::kPriority && !reader.has("priority") && position > kMaxPriority) {
    reader.error("priority", "is missing, and the position " + std::to_string(position) +
                                 " is beyond 1000; write a priority");
  }

  if (!reader.has("profile")) {
    reader.require("endpoint", "write the name of an endpoint, such as endpoint = \"london\"");
  }
  const auto reference = reader.find("endpoint");
  if (!reference) return std::nullopt;
  const auto* endpoint = read_reference(*reference, "endpoint", draft.endpoints, report);
  if (endpoint == nullptr) return std::nullopt;
  spec.endpoint = *endpoint;
  return spec;
}

void read_profile_endpoints(const Value& value, Draft& draft, ProfileSpec& profile,
                            Report& report) {
  if (!value.node->is_array()) {
    report.error(value.position(), value.path,
                 "expected an array of tables, not " + std::string(type_name(*value.node)) +
                     "; write [[" + key_path("profile", profile.name) + ".endpoints]]");
    return;
  }
  const auto elements = read_array(value, report);
  if (elements->empty()) {
    report.error(value.position(), value.path, "is empty; " + std::string(kEndpointsAdvice));
  }
  std::vector<bool> is_listed(draft.config.endpoints.size());
  std::size_t position = 0;
  for (const Value& element : *elements) {
    const auto spec = read_profile_endpoint(element, profile.method, ++position, draft, report);
    if (!spec) continue;
    if (is_listed[spec->endpoint]) {
      const TableReader reader(*element.node->as_table(), element.path, report);
      reader.error("endpoint", quote(draft.config.endpoints[spec->endpoint].routing.name) +
                                   " is listed twice in this profile; remove one");
      continue;
    }
    is_listed[spec->endpoint] = true;
    profile.endpoints.push_back(*spec);
  }
}

ProfileSpec read_profile(const NamedTable& named, Draft& draft, Report& report) {
  check_name(named, report);
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);

  ProfileSpec profile;
  profile.name = named.name;
  read_owner(reader, draft, profile);
  reader.require("method", "write method = \"priority\" or method = \"weighted\"");
  profile.method =
      reader
          .choice<Method>("method",
                          {{"priority", Method::kPriority}, {"weighted", Method::kWeighted}},
                          {"performance", "geographic", "multivalue", "subnet"})
          .value_or(Method::kPriority);
  profile.ttl = std::chrono::duration_cast<std::chrono::seconds>(
      reader.duration("ttl", {0s, 24h, 1s}).value_or(30s));
  profile.when_all_down = reader
                              .choice<AllDown>("when_all_down",
                                               {{"serve-all", AllDown::kServeAll},
                                                {"nodata", AllDown::kNoData},
                                                {"servfail", AllDown::kServFail}},
                                               {"fallback"})
                              .value_or(AllDown::kServeAll);
  profile.enabled = reader.boolean("enabled").value_or(true);
  reader.require("endpoints", kEndpointsAdvice);
  if (const auto endpoints = reader.find("endpoints")) {
    read_profile_endpoints(*endpoints, draft, profile, report);
  }
  return profile;
}

}  // namespace

void read_profiles(const toml::table& root, Draft& draft, Report& report) {
  for (const NamedTable& named : named_tables(root, section(), report)) {
    draft.config.profiles.push_back(read_profile(named, draft, report));
  }
}

}  // namespace gslb::app::loading
