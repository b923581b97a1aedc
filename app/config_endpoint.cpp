#include <algorithm>

#include "app/config_sections.h"
#include "app/config_text.h"
#include "routing/region.h"

namespace gslb::app::loading {
namespace {

constexpr std::size_t kMaxAddresses = 64;

const Section& section() {
  static const Section kSection{
      "endpoint",
      "[endpoint.NAME]",
      {"addresses", "location", "coordinates", "monitors", "probe_address", "enabled"},
      {"target", "load", "ramp_up", "failback_delay"}};
  return kSection;
}

void read_answers(const Value& value, routing::EndpointSpec& spec, Report& report) {
  const toml::array* array = value.node->as_array();
  if (array != nullptr && (array->empty() || array->size() > kMaxAddresses)) {
    report.error(value.position(), value.path,
                 "has " + std::to_string(array->size()) + " addresses; write 1 to 64");
  }
  for (const base::IpAddress& address : read_addresses(value, report)) {
    (address.is_v4() ? spec.ipv4 : spec.ipv6).push_back(address);
  }
}

void read_monitor_names(const Value& value, EndpointConfig& endpoint, Draft& draft,
                        Report& report) {
  if (value.node->is_table()) {
    report.error(value.position(), value.path,
                 "the form { any = [ ] } is not supported yet; list monitors that must all pass");
    return;
  }
  const auto elements = read_array(value, report);
  if (!elements) return;
  for (const Value& element : *elements) {
    const auto* monitor = read_reference(element, "monitor", draft.monitors, report);
    if (monitor == nullptr) continue;
    const auto& known = endpoint.monitors;
    if (std::find(known.begin(), known.end(), *monitor) != known.end()) {
      report.error(element.position(), element.path,
                   quote((*monitor)->name) + " is listed twice; remove one");
      continue;
    }
    endpoint.monitors.push_back(*monitor);
  }
}

Parsed<routing::GeoPoint> parse_place(std::string_view text) {
  const auto region = parse_region(text);
  if (!region) return tl::make_unexpected(region.error());
  if (const auto point = routing::centroid(*region)) return *point;
  return tl::make_unexpected(quote(*region) +
                             " is too wide to be the place of an endpoint; write a country such as "
                             "\"GB\", or coordinates");
}

void read_place(const TableReader& reader, routing::EndpointSpec& spec, Report& report) {
  spec.point = reader.parsed("location", parse_place);
  if (const auto coordinates = reader.find("coordinates")) {
    if (reader.has("location")) {
      reader.error("coordinates", "stands beside location; keep one of them");
    }
    spec.point = read_coordinates(*coordinates, report);
  }
}

EndpointConfig read_endpoint(const NamedTable& named, Draft& draft, Report& report) {
  check_name(named, report);
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);

  EndpointConfig endpoint;
  endpoint.routing.name = named.name;
  endpoint.routing.enabled = reader.boolean("enabled").value_or(true);
  if (const auto addresses = reader.find("addresses")) {
    read_answers(*addresses, endpoint.routing, report);
  } else if (!reader.has("target")) {
    reader.require("addresses",
                   "write the addresses to answer, such as addresses = "
                   "[\"203.0.113.10\"]");
  }
  read_place(reader, endpoint.routing, report);
  if (const auto monitors = reader.find("monitors")) {
    read_monitor_names(*monitors, endpoint, draft, report);
  }
  endpoint.probe_address = reader.parsed("probe_address", parse_host_address);
  return endpoint;
}

}  // namespace

void read_endpoints(const toml::table& root, Draft& draft, Report& report) {
  for (const NamedTable& named : named_tables(root, section(), report)) {
    const auto id = static_cast<routing::EndpointId>(draft.config.endpoints.size());
    draft.config.endpoints.push_back(read_endpoint(named, draft, report));
    draft.endpoints.add(named, id);
  }
}

}  // namespace gslb::app::loading
