#include <algorithm>

#include "app/config_sections.h"
#include "app/config_text.h"
#include "health/metric.h"
#include "routing/region.h"

namespace gslb::app::loading {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxAddresses = 64;
constexpr unsigned kMaxMonitors = 1000;

const Section& section() {
  static const Section kSection{"endpoint",
                                "[endpoint.NAME]",
                                {"addresses", "target", "location", "coordinates", "monitors",
                                 "probe_address", "load", "enabled", "ramp_up", "failback_delay"},
                                {}};
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

/// A list of which all must pass, { any = [ ] } or { at_least = 2, of = [ ] }.
void read_monitors_of(const Value& value, EndpointConfig& endpoint, Draft& draft, Report& report) {
  const toml::table* table = value.node->as_table();
  if (table == nullptr) return read_monitor_names(value, endpoint, draft, report);
  TableReader reader(*table, value.path, report);
  reader.check_keys({"any", "at_least", "of"}, {});
  const auto require_some = [&](std::string_view key, const Value& list) {
    read_monitor_names(list, endpoint, draft, report);
    const toml::array* names = list.node->as_array();
    if (names != nullptr && names->empty()) {
      reader.error(key, "is empty; write the names of monitors");
    }
  };
  if (const auto any = reader.find("any")) {
    for (const char* key : {"at_least", "of"}) {
      if (reader.has(key)) reader.error(key, "stands beside any; keep one of them");
    }
    require_some("any", *any);
    endpoint.monitors_required = 1;
    return;
  }
  reader.require("at_least", "write how many must pass, or { any = [\"a\", \"b\"] }");
  reader.require("of", "write the names of the monitors");
  const auto of = reader.find("of");
  if (of) require_some("of", *of);
  const unsigned count = of && of->node->is_array()
                             ? static_cast<unsigned>(of->node->as_array()->size())
                             : kMaxMonitors;
  endpoint.monitors_required = reader.integer("at_least", 1, std::max(1U, count)).value_or(1);
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

Parsed<dns::Name> parse_target(std::string_view text) {
  if (base::parse_ip_address(text)) {
    return tl::make_unexpected(quote(text) + " is an address; write it in addresses");
  }
  return parse_domain_name(text);
}

Parsed<std::string> parse_metric(std::string_view text) {
  const std::string problem = health::find_metric_problem(text);
  if (problem.empty()) return std::string(text);
  return tl::make_unexpected(quote(text) + " " + problem);
}

/// Nothing where it is there and no number within the bounds, which is reported.
std::optional<double> read_number(const TableReader& reader, std::string_view key, double min,
                                  double below, const std::string& advice) {
  const auto value = reader.find(key);
  if (!value) return std::nullopt;
  const std::optional<double> number = value->node->value<double>();
  if (number && *number >= min && *number < below && value->node->is_number()) return number;
  reader.error(key, advice);
  return std::nullopt;
}

void read_load(const Value& value, EndpointConfig& endpoint, Report& report) {
  const toml::table* table =
      read_table(value, report, "write { url = \"https://…\", metric = \"NAME\", capacity = 500 }");
  if (table == nullptr) return;
  TableReader reader(*table, value.path, report);
  reader.check_keys({"url", "metric", "capacity", "shed_from", "interval", "certificate"}, {});
  reader.require("url",
                 "write where the site tells its load, such as "
                 "\"https://www.example.net/path\"");
  reader.require("metric",
                 "write the name of a Prometheus metric, such as "
                 "\"windows_ras_total_connections\", or a JSON pointer");
  reader.require("capacity", "write the value of the metric at which the site is full");
  health::LoadSpec load;
  load.url = reader.parsed("url", parse_url).value_or("");
  load.metric = reader.parsed("metric", parse_metric).value_or("");
  load.capacity =
      read_number(reader, "capacity", 1e-9, 1e18, "is no number above 0; write one such as 500")
          .value_or(1);
  endpoint.routing.shed_from =
      read_number(reader, "shed_from", 0, 1, "is no share below 1; write one such as 0.8")
          .value_or(endpoint.routing.shed_from);
  load.interval = reader.duration("interval", {1s, 1h}).value_or(load.interval);
  load.verify_certificate =
      reader.choice<bool>("certificate", {{"require", true}, {"ignore", false}}).value_or(true);
  endpoint.load = std::move(load);
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
    if (reader.has("target")) {
      reader.error("target", "stands beside addresses; keep one of them");
    }
  } else if (!reader.has("target")) {
    reader.require("addresses",
                   "write the addresses to answer, such as addresses = "
                   "[\"203.0.113.10\"], or a target");
  }
  endpoint.routing.target = reader.parsed("target", parse_target);
  if (const auto load = reader.find("load")) read_load(*load, endpoint, report);
  read_place(reader, endpoint.routing, report);
  if (const auto monitors = reader.find("monitors")) {
    read_monitors_of(*monitors, endpoint, draft, report);
  }
  endpoint.ramp_up = reader.duration("ramp_up", {1s, 24h}).value_or(0s);
  endpoint.failback_delay = reader.duration("failback_delay", {1s, 24h}).value_or(0s);
  for (const char* key : {"ramp_up", "failback_delay"}) {
    if (reader.has(key) && !reader.has("monitors")) {
      reader.error(key, "has no effect without monitors; remove it, or add monitors");
    }
  }
  endpoint.probe_address = reader.parsed("probe_address", parse_host_address);
  return endpoint;
}

}  // namespace

Parsed<std::string> parse_url(std::string_view text) {
  const std::size_t colon = text.find("://");
  const std::string_view scheme = text.substr(0, std::min(colon, text.size()));
  const bool is_http = scheme == "http" || scheme == "https";
  const std::string_view rest = is_http ? text.substr(colon + 3) : std::string_view();
  const bool is_plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!rest.empty() && rest.front() != '/' && is_plain) return std::string(text);
  return tl::make_unexpected(quote(text) +
                             " is no URL; write one such as \"https://www.example.net/path\"");
}

void read_endpoints(const toml::table& root, Draft& draft, Report& report) {
  for (const NamedTable& named : named_tables(root, section(), report)) {
    const auto id = static_cast<routing::EndpointId>(draft.config.endpoints.size());
    draft.config.endpoints.push_back(read_endpoint(named, draft, report));
    draft.endpoints.add(named, id);
  }
}

}  // namespace gslb::app::loading
