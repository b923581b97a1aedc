#include <algorithm>
#include <utility>

#include "app/config_profile.h"
#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using routing::AllDown;
using routing::Method;
using routing::ProfileSpec;
using routing::UnhealthyRegion;
using namespace std::chrono_literals;

const Section& section() {
  static const Section kSection{"profile",
                                "[profile.NAME]",
                                {"name", "method", "ttl", "when_all_down", "fallback", "enabled",
                                 "sticky", "max_answers", "unhealthy_region", "endpoints"},
                                {}};
  return kSection;
}

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
    if (profile.has_owner() && profile.owner == owner) {
      return "is the name of " + key_path("profile", profile.name) +
             " already; choose another name";
    }
  }
  return {};
}

void read_owner(const TableReader& reader, const Draft& draft, ProfileSpec& profile) {
  const auto owner = reader.parsed("name", parse_domain_name);
  if (!owner) return;
  const std::string problem = problem_with_owner(*owner, draft);
  if (!problem.empty()) reader.error("name", quote(owner->to_string()) + " " + problem);
  profile.owner = *owner;
}

void read_sticky(const Value& value, ProfileSpec& profile, Report& report) {
  const toml::table* table =
      read_table(value, report, "write { ipv4_prefix = 24, ipv6_prefix = 56 }");
  if (table == nullptr) return;
  TableReader reader(*table, value.path, report);
  reader.check_keys({"ipv4_prefix", "ipv6_prefix"}, {});
  routing::Sticky sticky;
  sticky.ipv4_prefix =
      static_cast<std::uint8_t>(reader.integer("ipv4_prefix", 1, 32).value_or(sticky.ipv4_prefix));
  sticky.ipv6_prefix =
      static_cast<std::uint8_t>(reader.integer("ipv6_prefix", 1, 128).value_or(sticky.ipv6_prefix));
  profile.sticky = sticky;
}

/// The keys that only some methods know.
void read_method_settings(const TableReader& reader, ProfileSpec& profile, Report& report) {
  const Method method = profile.method;
  if (const auto sticky = reader.find("sticky")) {
    read_sticky(*sticky, profile, report);
    if (method == Method::kMultivalue || method == Method::kGeographic) {
      reader.error("sticky", "has no effect with method " + quote(to_string(method)) +
                                 ", where weights decide nothing; remove it");
    }
  }
  profile.max_answers = reader.integer("max_answers", 1, 8).value_or(profile.max_answers);
  if (reader.has("max_answers") && method != Method::kMultivalue) {
    reader.error("max_answers", "is for method \"multivalue\" alone; remove it");
  }
  profile.unhealthy_region =
      reader
          .choice<UnhealthyRegion>("unhealthy_region", {{"climb", UnhealthyRegion::kClimb},
                                                        {"strict", UnhealthyRegion::kStrict}})
          .value_or(UnhealthyRegion::kClimb);
  if (reader.has("unhealthy_region") && method != Method::kGeographic) {
    reader.error("unhealthy_region", "is for method \"geographic\" alone; remove it");
  }
}

void read_all_down(const TableReader& reader, ProfileSpec& profile, Report& report) {
  profile.when_all_down = reader
                              .choice<AllDown>("when_all_down", {{"serve-all", AllDown::kServeAll},
                                                                 {"nodata", AllDown::kNoData},
                                                                 {"servfail", AllDown::kServFail},
                                                                 {"fallback", AllDown::kFallback}})
                              .value_or(AllDown::kServeAll);
  if (const auto fallback = reader.find("fallback")) {
    profile.fallback = read_addresses(*fallback, report);
    if (profile.when_all_down != AllDown::kFallback) {
      reader.error("fallback",
                   "has no effect without when_all_down = \"fallback\"; write that, "
                   "or remove this");
    } else if (fallback->node->is_array() && fallback->node->as_array()->empty()) {
      reader.error("fallback", "is empty; write at least one address");
    }
  } else if (profile.when_all_down == AllDown::kFallback) {
    reader.require("fallback", "write the addresses to answer when no endpoint is available");
  }
}

ProfileSpec read_profile(ProfileDraft& drafted, Draft& draft, Report& report) {
  const NamedTable& named = drafted.named;
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);

  ProfileSpec profile;
  profile.name = named.name;
  if (reader.has("name")) read_owner(reader, draft, profile);
  reader.require("method", "write method = \"priority\", or another of the six");
  profile.method = reader
                       .choice<Method>("method", {{"priority", Method::kPriority},
                                                  {"weighted", Method::kWeighted},
                                                  {"performance", Method::kPerformance},
                                                  {"geographic", Method::kGeographic},
                                                  {"multivalue", Method::kMultivalue},
                                                  {"subnet", Method::kSubnet}})
                       .value_or(Method::kPriority);
  profile.ttl = std::chrono::duration_cast<std::chrono::seconds>(
      reader.duration("ttl", {0s, 24h, 1s}).value_or(30s));
  read_all_down(reader, profile, report);
  read_method_settings(reader, profile, report);
  profile.enabled = reader.boolean("enabled").value_or(true);
  reader.require("endpoints", "write [[profile.NAME.endpoints]] for each endpoint");
  if (const auto endpoints = reader.find("endpoints")) {
    read_profile_endpoints(*endpoints, drafted, profile, draft, report);
  }
  return profile;
}

}  // namespace

void read_profiles(const toml::table& root, Draft& draft, Report& report) {
  std::vector<ProfileDraft> drafted;
  for (const NamedTable& named : named_tables(root, section(), report)) {
    check_name(named, report);
    draft.profiles.add(named, static_cast<routing::ProfileId>(drafted.size()));
    drafted.push_back({named, {}});
  }
  for (ProfileDraft& profile : drafted) {
    draft.config.profiles.push_back(read_profile(profile, draft, report));
  }
  // A name is needed unless another profile leads here, which only now is known.
  for (const ProfileDraft& profile : drafted) {
    TableReader reader(*profile.named.table, profile.named.path, report);
    if (reader.has("name") || draft.profiles.is_used(profile.named.name)) continue;
    reader.require("name", "write the DNS name to answer, such as name = \"vpn.gslb.example.com\"");
  }
  check_profiles(drafted, draft, report);
}

}  // namespace gslb::app::loading
