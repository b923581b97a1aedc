#include "app/config_probe_keys.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

using health::CertificatePolicy;
using health::HttpMethod;
using health::HttpVersion;
using health::IkeMode;
using health::MonitorSpec;
using health::Protocol;
using health::SstpLevel;
using namespace std::chrono_literals;

constexpr std::size_t kMaxStatusRanges = 8;
constexpr std::size_t kMaxHeaders = 8;
constexpr std::size_t kMaxTextLength = 1024;
constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kMaxVariables = 64;
constexpr std::size_t kMaxArgumentLength = 4096;
constexpr unsigned kMaxPort = 65'535;
constexpr unsigned kMaxRedirects = 10;
constexpr unsigned kMaxWarnDays = 366;
constexpr std::uint16_t kIkePort = 500;
constexpr std::uint16_t kIkeNatPort = 4500;

/// What the server's end of TLS is held against.
const Words kTlsKeys{"host", "certificate", "certificate_warn_days", "ca_file"};

Words join(Words words, const Words& more) {
  for (const std::string_view word : more) {
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

const std::vector<ProtocolKeys>& protocol_table() {
  static const Words kHttp{
      "port",    "host",        "path",         "method",          "expected_status",
      "headers", "expect_body", "http_version", "follow_redirects"};
  static const std::vector<ProtocolKeys> kTable{
      {Protocol::kHttps, "https", join(kHttp, kTlsKeys)},
      {Protocol::kHttp, "http", kHttp},
      {Protocol::kTcp, "tcp", join({"port", "tls", "send", "expect"}, kTlsKeys)},
      {Protocol::kIcmp, "icmp", {}},
      {Protocol::kIkev2, "ikev2", {"port", "nat_port", "mode"}},
      {Protocol::kSstp, "sstp", join({"port", "path", "level", "deep_interval"}, kTlsKeys)},
      {Protocol::kExec, "exec", {"command", "environment"}}};
  return kTable;
}

Parsed<std::string> parse_text(std::string_view text) {
  if (text.empty() || text.size() > kMaxTextLength) {
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

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// A table of at most `max` entries, with a rule for keys and one for values.
template <typename ParseKey, typename ParseValue>
Pairs read_pairs(const Value& value, std::size_t max, const char* what, ParseKey parse_key,
                 ParseValue parse_value, Report& report) {
  Pairs pairs;
  const toml::table* table = read_table(value, report);
  if (table == nullptr) return pairs;
  if (table->size() > max) {
    report.error(value.position(), value.path,
                 "has " + std::to_string(table->size()) + " " + what + "; write " +
                     std::to_string(max) + " at most");
  }
  for (const Entry& entry : entries_of(*table, value.path)) {
    const Parsed<std::string> name = parse_key(entry.key);
    if (!name) {
      report.error(entry.key_position, entry.value.path, name.error());
      continue;
    }
    const auto text = read_parsed(entry.value, parse_value, report);
    if (text) pairs.emplace_back(*name, *text);
  }
  return pairs;
}

void read_port(const TableReader& reader, MonitorSpec& spec) {
  const auto port = reader.integer("port", 1, kMaxPort);
  if (port) spec.port = static_cast<std::uint16_t>(*port);
}

/// `host`, and what the certificate is held against.
void read_tls_keys(const TableReader& reader, Draft& draft, MonitorSpec& spec) {
  spec.host = reader.parsed("host", parse_http_host).value_or(spec.host);
  health::CertificateSpec& certificate = spec.certificate;
  certificate.policy =
      reader
          .choice<CertificatePolicy>("certificate", {{"ignore", CertificatePolicy::kIgnore},
                                                     {"warn", CertificatePolicy::kWarn},
                                                     {"require", CertificatePolicy::kRequire}})
          .value_or(CertificatePolicy::kWarn);
  certificate.warn_days =
      reader.integer("certificate_warn_days", 0, kMaxWarnDays).value_or(certificate.warn_days);
  if (const auto pem = read_named_file(reader, "ca_file", draft)) {
    auto anchors = health::TrustAnchors::parse(*pem);
    if (anchors) {
      certificate.trust = std::move(*anchors);
    } else {
      reader.error("ca_file", anchors.error());
    }
  }
  if (certificate.policy == CertificatePolicy::kIgnore) {
    for (const char* key : {"certificate_warn_days", "ca_file"}) {
      if (reader.has(key)) {
        reader.error(key, "has no effect with certificate = \"ignore\"; remove one of them");
      }
    }
  }
  if (certificate.policy == CertificatePolicy::kRequire && !reader.has("host")) {
    reader.error("certificate",
                 "\"require\" needs the name that the certificate must carry; add host");
  }
}

void read_http_keys(const TableReader& reader, Draft& draft, MonitorSpec& spec, Report& report) {
  read_port(reader, spec);
  if (spec.protocol == Protocol::kHttps) {
    read_tls_keys(reader, draft, spec);
  } else {
    spec.host = reader.parsed("host", parse_http_host).value_or(spec.host);
  }
  spec.path = reader.parsed("path", parse_http_path).value_or(spec.path);
  spec.method =
      reader.choice<HttpMethod>("method", {{"GET", HttpMethod::kGet}, {"HEAD", HttpMethod::kHead}})
          .value_or(spec.method);
  if (const auto status = reader.find("expected_status")) {
    spec.expected_status = read_expected_status(*status, report);
  }
  if (const auto headers = reader.find("headers")) {
    spec.headers =
        read_pairs(*headers, kMaxHeaders, "headers", parse_header_name, parse_header_value, report);
  }
  spec.http_version = reader
                          .choice<HttpVersion>("http_version", {{"1.1", HttpVersion::kHttp11},
                                                                {"2", HttpVersion::kHttp2}})
                          .value_or(spec.http_version);
  if (spec.http_version == HttpVersion::kHttp2 && spec.protocol == Protocol::kHttp) {
    reader.error("http_version", "\"2\" is agreed upon in TLS; use protocol = \"https\"");
  }
  spec.follow_redirects = reader.integer("follow_redirects", 0, kMaxRedirects).value_or(0);
  if (const auto body = reader.parsed("expect_body", parse_text)) {
    spec.expect_body = *body;
    if (spec.method == HttpMethod::kHead) {
      reader.error("expect_body",
                   "has no effect with method \"HEAD\", which brings no body; remove it, or use "
                   "method = \"GET\"");
    }
  }
}

void read_tcp_keys(const TableReader& reader, Draft& draft, MonitorSpec& spec) {
  read_port(reader, spec);
  if (!reader.has("preset")) reader.require("port", "write the port to connect to");
  spec.tls = reader.boolean("tls").value_or(false);
  spec.send = reader.parsed("send", parse_text).value_or("");
  spec.expect = reader.parsed("expect", parse_text).value_or("");
  if (spec.tls) return read_tls_keys(reader, draft, spec);
  for (const std::string_view key : kTlsKeys) {
    if (reader.has(key)) {
      reader.error(key, "has no effect without TLS; remove it, or add tls = true");
    }
  }
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

void read_sstp_keys(const TableReader& reader, Draft& draft, MonitorSpec& spec) {
  read_port(reader, spec);
  read_tls_keys(reader, draft, spec);
  spec.path = reader.parsed("path", parse_http_path).value_or(health::kSstpPath);
  spec.sstp_level = reader
                        .choice<SstpLevel>("level", {{"tls", SstpLevel::kTls},
                                                     {"duplex", SstpLevel::kDuplex},
                                                     {"call", SstpLevel::kCall}})
                        .value_or(spec.sstp_level);
  spec.deep_interval = reader.duration("deep_interval", {0s, 24h}).value_or(spec.deep_interval);
  if (spec.sstp_level == SstpLevel::kTls && reader.has("deep_interval")) {
    reader.error("deep_interval", "has no effect with level = \"tls\"; remove one of them");
  }
}

Parsed<std::string> parse_argument(std::string_view text) {
  if (text.size() <= kMaxArgumentLength) return std::string(text);
  return tl::unexpected<std::string>("has " + std::to_string(text.size()) +
                                     " octets; write at most 4096");
}

Parsed<std::string> parse_variable_name(std::string_view text) {
  const bool is_valid = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (is_valid && (text[0] < '0' || text[0] > '9')) return std::string(text);
  return tl::unexpected<std::string>(
      "is no name of an environment variable; write letters, digits and \"_\"");
}

void read_exec_keys(const TableReader& reader, MonitorSpec& spec, Report& report) {
  reader.require("command", "write the program and its arguments, such as [\"/usr/bin/true\"]");
  if (const auto command = reader.find("command")) spec.command = read_command(*command, report);
  if (const auto environment = reader.find("environment")) {
    spec.environment = read_pairs(*environment, kMaxVariables, "variables", parse_variable_name,
                                  parse_argument, report);
  }
}

}  // namespace

std::vector<std::string> read_command(const Value& value, Report& report) {
  std::vector<std::string> command;
  const auto elements = read_array(value, report);
  if (!elements) return command;
  if (elements->empty() || elements->size() > kMaxArguments) {
    report.error(value.position(), value.path,
                 "has " + std::to_string(elements->size()) +
                     " entries; write the program and its arguments, 64 at most");
    return command;
  }
  for (const Value& element : *elements) {
    if (auto text = read_parsed(element, parse_argument, report)) {
      command.push_back(std::move(*text));
    }
  }
  if (command.size() != elements->size()) return command;
  const Value& program = elements->front();
  if (!command.front().starts_with('/')) {
    report.error(program.position(), program.path,
                 quote(command.front()) +
                     " is no absolute path; no shell looks for it, so write "
                     "where the program is");
  } else if (::access(command.front().c_str(), X_OK) != 0) {
    report.error(program.position(), program.path,
                 quote(command.front()) + " cannot be run; write a program that gslbd may execute");
  }
  return command;
}

std::span<const ProtocolKeys> protocols() { return protocol_table(); }

const ProtocolKeys& keys_of(Protocol protocol) {
  const auto& table = protocol_table();
  return *std::find_if(table.begin(), table.end(),
                       [&](const ProtocolKeys& row) { return row.protocol == protocol; });
}

void read_probe_keys(const TableReader& reader, Draft& draft, MonitorSpec& spec, Report& report) {
  const ProtocolKeys& own = keys_of(spec.protocol);
  std::set<std::string_view> others;
  for (const ProtocolKeys& row : protocols()) others.insert(row.keys.begin(), row.keys.end());
  for (const std::string_view key : own.keys) others.erase(key);
  for (const std::string_view key : others) {
    if (reader.has(key)) {
      reader.error(key, "has no effect with protocol " + quote(own.name) + "; remove it");
    }
  }
  switch (spec.protocol) {
    case Protocol::kHttp:
    case Protocol::kHttps:
      return read_http_keys(reader, draft, spec, report);
    case Protocol::kTcp:
      return read_tcp_keys(reader, draft, spec);
    case Protocol::kIcmp:
      return;
    case Protocol::kIkev2:
      return read_ike_keys(reader, spec);
    case Protocol::kSstp:
      return read_sstp_keys(reader, draft, spec);
    case Protocol::kExec:
      return read_exec_keys(reader, spec, report);
  }
}

}  // namespace gslb::app::loading
