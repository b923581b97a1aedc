#include <algorithm>
#include <array>
#include <utility>

#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using health::HttpMethod;
using health::MonitorSpec;
using health::Protocol;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

enum class Preset { kSstp };

constexpr std::size_t kMaxStatusRanges = 8;
constexpr std::size_t kMaxHeaders = 8;
constexpr std::size_t kMaxBodyLength = 1024;
constexpr unsigned kMaxPort = 65'535;
constexpr std::array<std::string_view, 6> kHttpKeys{
    "host", "path", "method", "expected_status", "headers", "expect_body"};

const Section& section() {
  static const Section kSection{
      "monitor",
      "[monitor.NAME]",
      {"preset", "protocol", "port", "host", "path", "method", "expected_status", "headers",
       "expect_body", "interval", "timeout", "tolerated_failures", "recoveries"},
      {"certificate", "certificate_warn_days", "ca_file"}};
  return kSection;
}

Parsed<std::string> parse_expected_body(std::string_view text) {
  if (text.empty() || text.size() > kMaxBodyLength) {
    return tl::unexpected<std::string>("has " + std::to_string(text.size()) +
                                       " octets; write 1 to 1024, or remove it");
  }
  return std::string(text);
}

/// A string, or a bare integer for a single code.
std::optional<health::StatusRange> read_status_range(const Value& value, Report& report) {
  const auto* code = value.node->as_integer();
  if (code == nullptr) return read_parsed(value, parse_status_range, report);
  const auto range = parse_status_range(std::to_string(code->get()));
  if (range) return *range;
  report.error(value.position(), value.path, range.error());
  return std::nullopt;
}

std::vector<health::StatusRange> read_expected_status(const Value& value, Report& report) {
  std::vector<health::StatusRange> ranges;
  const auto elements = read_array(value, report);
  if (!elements) return ranges;
  if (elements->empty() || elements->size() > kMaxStatusRanges) {
    report.error(value.position(), value.path,
                 "has " + std::to_string(elements->size()) + " entries; write 1 to 8");
  }
  for (const Value& element : *elements) {
    if (const auto range = read_status_range(element, report)) ranges.push_back(*range);
  }
  return ranges;
}

std::vector<std::pair<std::string, std::string>> read_headers(const Value& value, Report& report) {
  std::vector<std::pair<std::string, std::string>> headers;
  const toml::table* table = read_table(value, report);
  if (table == nullptr) return headers;
  if (table->size() > kMaxHeaders) {
    report.error(value.position(), value.path,
                 "has " + std::to_string(table->size()) + " headers; write 8 at most");
  }
  for (const Entry& entry : entries_of(*table, value.path)) {
    const Parsed<std::string> name = parse_header_name(entry.key);
    if (!name) {
      report.error(entry.key_position, entry.value.path, name.error());
      continue;
    }
    const auto text = read_parsed(entry.value, parse_header_value, report);
    if (text) headers.emplace_back(*name, *text);
  }
  return headers;
}

/// What a monitor is before the keys of its table are read.
struct Basis {
  MonitorSpec spec;
  bool has_port = false;
};

Basis sstp_basis() {
  Basis basis;
  basis.spec.protocol = Protocol::kHttps;
  basis.spec.port = 443;
  basis.has_port = true;
  basis.spec.path = health::kSstpPath;
  basis.spec.method = HttpMethod::kGet;
  basis.spec.expected_status = {{401, 401}};
  return basis;
}

Basis read_basis(const TableReader& reader) {
  const auto preset =
      reader.choice<Preset>("preset", {{"sstp", Preset::kSstp}}, {"ikev2", "iphttps", "nls"});
  Basis basis;
  if (preset) {
    basis = sstp_basis();
  } else {
    basis.spec.expected_status = {{200, 200}};
  }
  const auto protocol = reader.choice<Protocol>(
      "protocol", {{"https", Protocol::kHttps}, {"http", Protocol::kHttp}, {"tcp", Protocol::kTcp}},
      {"icmp", "ikev2", "sstp"});
  if (!reader.has("preset")) {
    reader.require("protocol",
                   "write preset = \"sstp\", or protocol = \"https\", \"http\" or "
                   "\"tcp\"");
  }
  basis.spec.protocol = protocol.value_or(basis.spec.protocol);
  return basis;
}

void read_port(const TableReader& reader, const Basis& basis, MonitorSpec& spec) {
  if (const auto port = reader.integer("port", 1, kMaxPort)) {
    spec.port = static_cast<std::uint16_t>(*port);
  } else if (!reader.has("port") && !basis.has_port) {
    if (spec.protocol == Protocol::kTcp) reader.require("port", "write the port to connect to");
    spec.port = spec.protocol == Protocol::kHttp ? 80 : 443;
  }
}

void read_http_keys(const TableReader& reader, MonitorSpec& spec, Report& report) {
  spec.host = reader.parsed("host", parse_http_host).value_or("");
  spec.path = reader.parsed("path", parse_http_path).value_or(spec.path);
  spec.method =
      reader.choice<HttpMethod>("method", {{"GET", HttpMethod::kGet}, {"HEAD", HttpMethod::kHead}})
          .value_or(spec.method);
  if (const auto status = reader.find("expected_status")) {
    spec.expected_status = read_expected_status(*status, report);
  }
  if (const auto headers = reader.find("headers")) spec.headers = read_headers(*headers, report);
  if (const auto body = reader.parsed("expect_body", parse_expected_body)) {
    spec.expect_body = *body;
    if (spec.method == HttpMethod::kHead) {
      reader.error("expect_body",
                   "has no effect with method \"HEAD\", which brings no body; remove it, or use "
                   "method = \"GET\"");
    }
  }
}

/// A connection alone: what only HTTP knows is refused, and left empty.
void refuse_http_keys(const TableReader& reader, MonitorSpec& spec) {
  for (const std::string_view key : kHttpKeys) {
    if (reader.has(key)) {
      reader.error(key, "has no effect with protocol \"tcp\"; remove it");
    }
  }
  spec.path.clear();
  spec.expected_status.clear();
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

MonitorSpec read_monitor(const NamedTable& named, Report& report) {
  check_name(named, report);
  TableReader reader(*named.table, named.path, report);
  reader.check_keys(section().keys, section().later_keys);

  const Basis basis = read_basis(reader);
  MonitorSpec spec = basis.spec;
  spec.name = named.name;
  read_port(reader, basis, spec);
  if (spec.protocol == Protocol::kTcp) {
    refuse_http_keys(reader, spec);
  } else {
    read_http_keys(reader, spec, report);
  }
  read_timing(reader, spec);
  return spec;
}

}  // namespace

void read_monitors(const toml::table& root, Draft& draft, Report& report) {
  for (const NamedTable& named : named_tables(root, section(), report)) {
    draft.monitors.add(named, std::make_shared<const MonitorSpec>(read_monitor(named, report)));
  }
}

}  // namespace gslb::app::loading
