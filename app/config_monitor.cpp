#include <algorithm>
#include <utility>

#include "app/config_probe_keys.h"
#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using health::MonitorSpec;
using health::Protocol;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

enum class Preset { kSstp, kIkev2, kIpHttps, kNls };

const Section& section() {
  static const Section kSection = [] {
    Section all{"monitor",
                "[monitor.NAME]",
                {"preset", "protocol", "interval", "timeout", "tolerated_failures", "recoveries"},
                {}};
    for (const ProtocolKeys& protocol : protocols()) {
      for (const std::string_view key : protocol.keys) {
        if (std::find(all.keys.begin(), all.keys.end(), key) == all.keys.end()) {
          all.keys.push_back(key);
        }
      }
    }
    return all;
  }();
  return kSection;
}

/// What a preset sets; any of it may be overridden.
MonitorSpec make_preset(Preset preset) {
  MonitorSpec spec;
  switch (preset) {
    case Preset::kSstp:
      spec.path = health::kSstpPath;
      spec.expected_status = {{401, 401}};
      break;
    case Preset::kIkev2:
      spec.protocol = Protocol::kIkev2;
      break;
    case Preset::kIpHttps:
      // HTTP.sys answers 404 where nobody has registered the path, and 5xx where who has does not
      // work. What it answers to a request that is none of IP-HTTPS is not specified.
      spec.path = health::kIpHttpsPath;
      spec.expected_status = {{200, 403}, {405, 499}};
      break;
    case Preset::kNls:
      // What makes a DirectAccess client take itself for inside.
      spec.expected_status = {{200, 200}};
      break;
  }
  return spec;
}

/// What a monitor is before the keys of its protocol are read.
MonitorSpec read_basis(const TableReader& reader) {
  const auto preset = reader.choice<Preset>("preset", {{"sstp", Preset::kSstp},
                                                       {"ikev2", Preset::kIkev2},
                                                       {"iphttps", Preset::kIpHttps},
                                                       {"nls", Preset::kNls}});
  std::vector<Choice<Protocol>> choices;
  for (const ProtocolKeys& row : protocols()) choices.push_back({row.name, row.protocol});
  const auto protocol = reader.choice<Protocol>("protocol", choices);
  if (!reader.has("preset")) {
    reader.require("protocol",
                   "write preset = \"sstp\", \"ikev2\", \"iphttps\" or \"nls\", or protocol = "
                   "\"https\", \"http\", \"tcp\", \"icmp\", \"ikev2\", \"sstp\" or \"exec\"");
  }
  MonitorSpec spec;
  if (preset) spec = make_preset(*preset);
  spec.protocol = protocol.value_or(spec.protocol);
  const bool is_http = spec.protocol == Protocol::kHttp || spec.protocol == Protocol::kHttps;
  if (!is_http) {
    spec.path.clear();
    spec.expected_status.clear();
  } else if (spec.expected_status.empty()) {
    spec.expected_status = {{200, 200}};
  }
  if (spec.protocol == Protocol::kHttp && !preset) spec.port = 80;
  return spec;
}

void read_timing(const TableReader& reader, MonitorSpec& spec) {
  const auto interval = reader.duration("interval", {1s, 1h});
  const auto timeout = reader.duration("timeout", {100ms, 1h});
  spec.interval = interval.value_or(30s);
  spec.timeout = timeout.value_or(std::min<milliseconds>(10s, spec.interval / 2));
  const bool is_interval_known = interval || !reader.has("interval");
  if (timeout && is_interval_known && *timeout >= spec.interval) {
    reader.error("timeout", quote(to_string(*timeout)) + " is not less than the interval of " +
                                quote(to_string(spec.interval)) +
                                "; shorten it, or lengthen the interval");
  }
  spec.tolerated_failures =
      reader.integer("tolerated_failures", 0, 9).value_or(spec.tolerated_failures);
  spec.recoveries = reader.integer("recoveries", 1, 10).value_or(spec.recoveries);
}

MonitorSpec read_monitor(const NamedTable& named, Draft& draft, Report& report) {
  check_name(named, report);
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);
  MonitorSpec spec = read_basis(reader);
  spec.name = named.name;
  // Where the protocol is not known, nothing can be said of its keys.
  if (reader.has("preset") || reader.has("protocol")) {
    read_probe_keys(reader, draft, spec, report);
  }
  read_timing(reader, spec);
  return spec;
}

}  // namespace

void read_monitors(const toml::table& root, Draft& draft, Report& report) {
  for (const NamedTable& named : named_tables(root, section(), report)) {
    draft.monitors.add(named,
                       std::make_shared<const MonitorSpec>(read_monitor(named, draft, report)));
  }
}

}  // namespace gslb::app::loading
