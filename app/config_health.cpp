#include <algorithm>
#include <utility>

#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using health::ProbingSpec;
using health::Protocol;
using namespace std::chrono_literals;

constexpr std::size_t kMaxCanaries = 16;
constexpr unsigned kMaxRate = 1'000'000;
constexpr auto kCanaryTimeout = 2s;
constexpr const char* kCanaryForm =
    " is no canary; write \"tcp:192.0.2.1:443\" or \"icmp:192.0.2.1\", with an address";

/// "tcp:192.0.2.1:443", "tcp:[2001:db8::1]:443", "icmp:192.0.2.1"
Parsed<ProbingSpec::Canary> parse_canary(std::string_view text) {
  auto monitor = std::make_shared<health::MonitorSpec>();
  monitor->name = text;
  monitor->timeout = kCanaryTimeout;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view kind = text.substr(0, colon);
  const std::string_view rest = text.substr(std::min(colon + 1, text.size()));
  if (kind == "icmp") {
    const auto address = parse_host_address(rest);
    if (!address) return tl::make_unexpected(quote(text) + kCanaryForm);
    monitor->protocol = Protocol::kIcmp;
    return ProbingSpec::Canary{*address, std::move(monitor)};
  }
  if (kind != "tcp") return tl::make_unexpected(quote(text) + kCanaryForm);
  const auto place = parse_listen_address(rest);
  if (!place || place->port == 0) return tl::make_unexpected(quote(text) + kCanaryForm);
  monitor->protocol = Protocol::kTcp;
  monitor->port = place->port;
  return ProbingSpec::Canary{place->ip, std::move(monitor)};
}

std::vector<ProbingSpec::Canary> read_canaries(const Value& value, Report& report) {
  std::vector<ProbingSpec::Canary> canaries;
  const auto elements = read_array(value, report);
  if (!elements) return canaries;
  if (elements->size() > kMaxCanaries) {
    report.error(value.position(), value.path,
                 "has " + std::to_string(elements->size()) + " canaries; write 16 at most");
  }
  for (const Value& element : *elements) {
    if (auto canary = read_parsed(element, parse_canary, report)) {
      canaries.push_back(std::move(*canary));
    }
  }
  return canaries;
}

}  // namespace

void read_health(const toml::table& root, Draft& draft, Report& report) {
  const toml::node* node = root.get("health");
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    report.error(Value{node, {}}.position(), "health",
                 "expected a table, not " + std::string(type_name(*node)) + "; write [health]");
    return;
  }
  TableReader reader(*table, "health", report);
  reader.check_keys({"canaries", "on_change", "webhook", "edge_interval", "max_probes_per_second",
                     "max_probes_per_target"},
                    {});
  HealthSpec& health = draft.config.health;
  ProbingSpec& probing = health.probing;
  if (const auto canaries = reader.find("canaries")) {
    probing.canaries = read_canaries(*canaries, report);
  }
  if (const auto command = reader.find("on_change")) {
    health.on_change = read_command(*command, report);
  }
  health.webhook = reader.parsed("webhook", parse_url).value_or("");
  probing.edge_interval = reader.duration("edge_interval", {500ms, 1h}).value_or(0ms);
  probing.max_probes_per_second =
      reader.integer("max_probes_per_second", 1, kMaxRate).value_or(probing.max_probes_per_second);
  probing.max_probes_per_target =
      reader.integer("max_probes_per_target", 1, kMaxRate).value_or(probing.max_probes_per_target);
}

}  // namespace gslb::app::loading
