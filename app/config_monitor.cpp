#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using health::HttpMethod;
using health::IkeMode;
using health::MonitorSpec;
using health::Protocol;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

enum class Preset { kSstp, kIkev2 };

constexpr std::size_t kMaxStatusRanges = 8;
constexpr std::size_t kMaxHeaders = 8;
constexpr std::size_t kMaxBodyLength = 1024;
constexpr unsigned kMaxPort = 65'535;
constexpr std::uint16_t kIkePort = 500;
constexpr std::uint16_t kIkeNatPort = 4500;
constexpr std::array<std::string_view, 6> kHttpKeys{
    "host", "path", "method", "expected_status", "headers", "expect_body"};
constexpr std::array<std::string_view, 2> kIkeKeys{"nat_port", "mode"};

const Section& section() {
  static const Section kSection{"monitor",
                                "[monitor.NAME]",
                                {"preset", "protocol", "port", "host", "path", "method",
                                 "expected_status", "headers", "expect_body", "nat_port", "mode",
                                 "interval", "timeout", "tolerated_failures", "recoveries"},
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
  const auto preset = reader.choice<Preset>(
      "preset", {{"sstp", Preset::kSstp}, {"ikev2", Preset::kIkev2}}, {"iphttps", "nls"});
  Basis basis;
  basis.spec.expected_status = {{200, 200}};
  if (preset == Preset::kSstp) basis = sstp_basis();
  if (preset == Preset::kIkev2) basis.spec.protocol = Protocol::kIkev2;
  const auto protocol = reader.choice<Protocol>("protocol",
                                                {{"https", Protocol::kHttps},
                                                 {"http", Protocol::kHttp},
                                                 {"tcp", Protocol::kTcp},
                                                 {"ikev2", Protocol::kIkev2}},
                                                {"icmp", "sstp"});
  if (!reader.has("preset")) {
    reader.require("protocol",
                   "write preset = \"sstp\" or \"ikev2\", or protocol = \"https\", \"http\", "
                   "\"tcp\" or \"ikev2\"");
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

void refuse_keys(const TableReader& reader, std::span<const std::string_view> keys,
                 std::string_view protocol) {
  for (const std::string_view key : keys) {
    if (reader.has(key)) {
      reader.error(key, "has no effect with protocol " + quote(protocol) + "; remove it");
    }
  }
}

/// What only HTTP knows is refused, and left empty.
void refuse_http_keys(const TableReader& reader, MonitorSpec& spec, std::string_view protocol) {
  refuse_keys(reader, kHttpKeys, protocol);
  spec.path.clear();
  spec.expected_status.clear();
}

/// Of the two ports 0 leaves one out, but not both.
void read_ike_keys(const TableReader& reader, MonitorSpec& spec) {
  const auto read = [&](const char* key, std::uint16_t usual) {
    return static_cast<std::uint16_t>(reader.integer(key, 0, kMaxPort).value_or(usual));
  };
  spec.port = read("port", kIkePort);
  spec.nat_port = read("nat_port", kIkeNatPort);
  if (spec.port == 0 && spec.nat_port == 0) {
    reader.error("nat_port", "is 0 as port is, so nothing would be probed; remove one of them");
  }
  spec.ike_mode = reader
                      .choice<IkeMode>("mode", {{"reject", IkeMode::kReject},
                                                {"negotiate", IkeMode::kNegotiate}})
                      .value_or(spec.ike_mode);
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
  switch (spec.protocol) {
    case Protocol::kHttp:
    case Protocol::kHttps:
      read_port(reader, basis, spec);
      read_http_keys(reader, spec, report);
      refuse_keys(reader, kIkeKeys, spec.protocol == Protocol::kHttp ? "http" : "https");
      break;
    case Protocol::kTcp:
      read_port(reader, basis, spec);
      refuse_http_keys(reader, spec, "tcp");
      refuse_keys(reader, kIkeKeys, "tcp");
      break;
    case Protocol::kIkev2:
      read_ike_keys(reader, spec);
      refuse_http_keys(reader, spec, "ikev2");
      break;
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
