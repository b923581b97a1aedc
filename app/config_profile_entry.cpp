#include <algorithm>
#include <utility>

#include "app/config_profile.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using routing::Method;
using routing::ProfileEndpointSpec;
using routing::ProfileSpec;

constexpr unsigned kMaxWeight = 1000;
constexpr unsigned kMaxPriority = 1000;
constexpr unsigned kMaxChildren = 1000;

void read_regions(const Value& value, ProfileEndpointSpec& spec, Report& report) {
  const auto elements = read_array(value, report);
  if (!elements) return;
  if (elements->empty()) {
    report.error(value.position(), value.path, "is empty; write regions such as [\"GB\"]");
  }
  for (const Value& element : *elements) {
    const auto region = read_parsed(element, parse_region, report);
    if (!region) continue;
    if (std::find(spec.regions.begin(), spec.regions.end(), *region) != spec.regions.end()) {
      report.error(element.position(), element.path,
                   quote(*region) + " is listed twice; remove one");
      continue;
    }
    spec.regions.push_back(*region);
  }
}

void read_subnets(const Value& value, ProfileEndpointSpec& spec, Report& report) {
  const auto elements = read_array(value, report);
  if (!elements) return;
  if (elements->empty()) {
    report.error(value.position(), value.path,
                 "is empty; write networks such as [\"10.0.0.0/8\"], or remove it");
  }
  for (const Value& element : *elements) {
    if (const auto range = read_parsed(element, parse_range, report)) {
      spec.subnets.push_back(*range);
    }
  }
}

/// What the method makes of weights, priorities and regions.
void read_method_keys(const TableReader& reader, Method method, std::size_t position,
                      ProfileEndpointSpec& spec, Report& report) {
  spec.weight = reader.integer("weight", 0, kMaxWeight).value_or(1);
  const bool ignores_weight = method == Method::kGeographic || method == Method::kMultivalue ||
                              (method == Method::kSubnet && !spec.subnets.empty());
  if (ignores_weight && reader.has("weight") && spec.weight != 0) {
    reader.warning("weight", "has no effect with method " + quote(to_string(method)) +
                                 (method == Method::kSubnet ? " and subnets" : "") +
                                 ", unless it is 0; remove it");
  }

  const auto priority = reader.integer("priority", 1, kMaxPriority);
  spec.priority =
      priority.value_or(static_cast<unsigned>(std::min<std::size_t>(position, kMaxPriority)));
  if (method != Method::kPriority && priority) {
    reader.warning("priority",
                   "has no effect with method " + quote(to_string(method)) + "; remove it");
  }
  if (method == Method::kPriority && !reader.has("priority") && position > kMaxPriority) {
    reader.error("priority", "is missing, and the position " + std::to_string(position) +
                                 " is beyond 1000; write a priority");
  }

  if (const auto regions = reader.find("regions")) {
    if (method == Method::kGeographic) {
      read_regions(*regions, spec, report);
    } else {
      reader.error("regions", "is for method \"geographic\" alone; remove it");
    }
  } else if (method == Method::kGeographic) {
    reader.require("regions", "write the regions of its clients, such as [\"GB\", \"GEO-EU\"]");
  }
}

/// The profile that the entry stands for.
void read_nested(const TableReader& reader, const Value& reference, ProfileEndpointSpec& spec,
                 Draft& draft, Report& report) {
  spec.min_children = reader.integer("min_children", 1, kMaxChildren).value_or(1);
  spec.min_children_ipv4 = reader.integer("min_children_ipv4", 0, kMaxChildren).value_or(1);
  spec.min_children_ipv6 = reader.integer("min_children_ipv6", 0, kMaxChildren).value_or(1);
  const auto* nested = read_reference(reference, "profile", draft.profiles, report);
  if (nested != nullptr) spec.nested = *nested;
}

/// One `[[profile.NAME.endpoints]]`; `position` counts from 1.
std::optional<ProfileEndpointSpec> read_entry(const Value& value, Method method,
                                              std::size_t position, Draft& draft, Report& report) {
  const toml::table* table = read_table(value, report, "write { endpoint = \"NAME\" }");
  if (table == nullptr) return std::nullopt;
  TableReader reader(*table, value.path, report);
  reader.check_keys(
      {"endpoint", "weight", "priority", "always_serve", "enabled", "profile", "min_children",
       "min_children_ipv4", "min_children_ipv6", "regions", "subnets"},
      {});
  ProfileEndpointSpec spec;
  spec.always_serve = reader.boolean("always_serve").value_or(false);
  spec.enabled = reader.boolean("enabled").value_or(true);
  if (const auto subnets = reader.find("subnets")) read_subnets(*subnets, spec, report);
  read_method_keys(reader, method, position, spec, report);

  const auto nested = reader.find("profile");
  if (nested && reader.has("endpoint")) {
    reader.error("profile", "stands beside endpoint; keep one of them");
    return std::nullopt;
  }
  if (nested) {
    read_nested(reader, *nested, spec, draft, report);
    return spec.nested ? std::optional(spec) : std::nullopt;
  }
  for (const char* key : {"min_children", "min_children_ipv4", "min_children_ipv6"}) {
    if (reader.has(key)) reader.error(key, "is for a nested profile alone; remove it");
  }
  reader.require("endpoint", "write the name of an endpoint, such as endpoint = \"london\"");
  const auto reference = reader.find("endpoint");
  if (!reference) return std::nullopt;
  const auto* endpoint = read_reference(*reference, "endpoint", draft.endpoints, report);
  if (endpoint == nullptr) return std::nullopt;
  spec.endpoint = *endpoint;
  return spec;
}

/// True where an entry before this one stands for the same.
bool is_listed(const ProfileSpec& profile, const ProfileEndpointSpec& entry) {
  return std::any_of(
      profile.endpoints.begin(), profile.endpoints.end(), [&](const ProfileEndpointSpec& other) {
        return other.nested == entry.nested && (entry.nested || other.endpoint == entry.endpoint);
      });
}

}  // namespace

void read_profile_endpoints(const Value& value, ProfileDraft& drafted, ProfileSpec& profile,
                            Draft& draft, Report& report) {
  if (!value.node->is_array()) {
    report.error(value.position(), value.path,
                 "expected an array of tables, not " + std::string(type_name(*value.node)) +
                     "; write [[" + key_path("profile", profile.name) + ".endpoints]]");
    return;
  }
  const auto elements = read_array(value, report);
  if (elements->empty()) {
    report.error(value.position(), value.path,
                 "is empty; write [[profile.NAME.endpoints]] for each endpoint");
  }
  std::size_t position = 0;
  for (const Value& element : *elements) {
    const auto spec = read_entry(element, profile.method, ++position, draft, report);
    if (!spec) continue;
    if (is_listed(profile, *spec)) {
      const TableReader reader(*element.node->as_table(), element.path, report);
      const char* key = spec->nested ? "profile" : "endpoint";
      reader.error(key,
                   quote(*reader.string(key)) + " is listed twice in this profile; remove one");
      continue;
    }
    profile.endpoints.push_back(*spec);
    drafted.entries.push_back(element);
  }
}

}  // namespace gslb::app::loading
