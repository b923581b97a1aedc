#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/config_file.h"
#include "app/config_sections.h"
#include "app/config_text.h"
#include "app/control_socket.h"

namespace gslb::app::loading {
namespace {

constexpr std::size_t kMaxIdentityLength = 255;
constexpr unsigned kMaxWorkers = 256;
constexpr unsigned kMaxRate = 1'000'000;
constexpr unsigned kMaxSlip = 10;

const std::vector<base::SocketAddress>& default_listen() {
  static const std::vector<base::SocketAddress> addresses{{base::IpAddress::v4({}), 53},
                                                          {base::IpAddress::v6({}), 53}};
  return addresses;
}

std::string host_name() {
  std::array<char, kMaxIdentityLength + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "gslbd";
  return name.data();
}

/// A text for class CHAOS.
Parsed<std::string> parse_identity(std::string_view text) {
  if (text.size() > kMaxIdentityLength) {
    return tl::unexpected<std::string>("has " + std::to_string(text.size()) +
                                       " octets; write at most 255, or none to not tell it");
  }
  return std::string(text);
}

Parsed<std::string> parse_path(std::string_view text) {
  if (text.empty()) return tl::unexpected<std::string>("is empty; write a path, or remove it");
  return std::string(text);
}

std::vector<base::SocketAddress> read_listen(const Value& value, Report& report) {
  std::vector<base::SocketAddress> addresses;
  const auto elements = read_array(value, report);
  if (!elements) return addresses;
  if (elements->empty()) {
    report.error(value.position(), value.path,
                 "is empty; write at least one address, or remove it to listen on all");
  }
  for (const Value& element : *elements) {
    const auto address = read_parsed(element, parse_listen_address, report);
    if (!address) continue;
    const bool is_known =
        std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
    if (is_known && address->port != 0) {
      report.error(element.position(), element.path,
                   quote(base::to_string(*address)) + " is listed twice; remove one");
      continue;
    }
    addresses.push_back(*address);
  }
  return addresses;
}

/// Reads the secrets. Their errors are reported where they stand.
void read_cookie_secrets(const TableReader& reader, ServerSpec& server, Draft& draft,
                         Report& report) {
  const auto text = read_named_file(reader, "secret_file", draft);
  if (!text) return;
  const auto keys = dns::parse_cookie_keys(*text);
  if (keys) {
    server.cookies.keys = std::make_shared<const dns::CookieKeys>(*keys);
    return;
  }
  for (const dns::CookieKeyError& error : keys.error()) {
    if (error.line == 0) {
      reader.error("secret_file", error.message);
    } else {
      report.error_in(draft.config.files.back().string(), error.line, error.message);
    }
  }
}

void read_cookies(const Value& value, Draft& draft, Report& report) {
  const toml::table* table = read_table(value, report);
  if (table == nullptr) return;
  ServerSpec& server = draft.config.server;
  TableReader reader(*table, value.path, report);
  reader.check_keys({"enabled", "require", "secret_file"}, {});
  server.cookies.enabled = reader.boolean("enabled").value_or(true);
  server.cookies.require = reader.boolean("require").value_or(false);
  if (server.cookies.require && !server.cookies.enabled) {
    reader.error("require", "cannot be asked for while cookies are not enabled; remove one");
  }
  read_cookie_secrets(reader, server, draft, report);
}

void read_control(const TableReader& reader, Draft& draft) {
  const auto text = reader.string("control");
  if (!text) return;
  if (text->empty()) {
    return reader.error("control", "is empty; write the path of a socket, or remove it");
  }
  const std::filesystem::path path = resolve_folder(draft.folder, *text);
  if (path.native().size() > kMaxSocketPath) {
    return reader.error("control", "the path has " + std::to_string(path.native().size()) +
                                       " octets; a socket can have at most " +
                                       std::to_string(kMaxSocketPath));
  }
  draft.config.server.control = {path, false};
}

/// A token in a file of its own, alone on its only line.
Parsed<std::string> parse_token(std::string_view text) {
  constexpr std::size_t kShortest = 16;
  constexpr std::size_t kLongest = 512;
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const auto is_allowed = [](char c) { return c > ' ' && c < 0x7F; };
  if (!std::all_of(text.begin(), text.end(), is_allowed)) {
    return tl::unexpected<std::string>(
        "holds more than a token; write one line of letters, digits and signs");
  }
  if (text.size() < kShortest || text.size() > kLongest) {
    return tl::unexpected<std::string>("the token has " + std::to_string(text.size()) +
                                       " octets; write 16 to 512, such as openssl rand -hex 32 "
                                       "makes");
  }
  return std::string(text);
}

Parsed<base::SocketAddress> parse_http_address(std::string_view text) {
  if (base::parse_socket_address(text)) return parse_listen_address(text);
  return tl::unexpected<std::string>(
      quote(text) + " is not an address with a port; write \"127.0.0.1:8053\" or \"[::1]:8053\"");
}

void read_http(const TableReader& reader, Draft& draft) {
  HttpSpec& http = draft.config.server.http;
  http.listen = reader.parsed("http", parse_http_address);
  if (reader.has("token_file") && !reader.has("http")) {
    return reader.error("token_file", "has no effect without http; remove it, or write http");
  }
  if (const auto text = read_named_file(reader, "token_file", draft)) {
    const auto token = parse_token(*text);
    if (token) {
      http.token = *token;
    } else {
      reader.error("token_file", token.error());
    }
  }
  if (http.listen && !base::is_loopback(http.listen->ip) && !reader.has("token_file")) {
    reader.error("http", quote(base::to_string(*http.listen)) +
                             " is open to other hosts; write token_file, too, or listen on "
                             "127.0.0.1");
  }
}

void read_tls(const TableReader& reader, Draft& draft, Report& report) {
  TlsSpec& tls = draft.config.server.tls;
  const auto listen = reader.find("tls_listen");
  const bool has_any = listen || reader.has("tls_certificate") || reader.has("tls_key");
  if (!has_any) return;
  if (listen) tls.listen = read_listen(*listen, report);
  reader.require("tls_listen", "write where to serve DNS over TLS, such as [\"0.0.0.0:853\"]");
  reader.require("tls_certificate", "write the path of the certificate chain in PEM form");
  reader.require("tls_key", "write the path of the private key in PEM form");
  const auto certificate = read_named_file(reader, "tls_certificate", draft);
  const auto key = read_named_file(reader, "tls_key", draft);
  if (!certificate || !key) return;
  auto credentials = dns::TlsCredentials::make(*certificate, *key);
  if (credentials) {
    tls.credentials = std::move(*credentials);
  } else {
    reader.error(credentials.error().is_about_key ? "tls_key" : "tls_certificate",
                 credentials.error().text);
  }
}

void read_rate_limit(const Value& value, ServerSpec& server, Report& report) {
  const toml::table* table = read_table(value, report);
  if (table == nullptr) return;
  TableReader reader(*table, value.path, report);
  reader.check_keys({"responses_per_second", "nxdomains_per_second", "errors_per_second", "slip",
                     "ipv4_prefix", "ipv6_prefix", "exempt"},
                    {});
  reader.require("responses_per_second", "write how many each client network may draw");
  dns::RateLimits limits;
  const unsigned rate = reader.integer("responses_per_second", 1, kMaxRate).value_or(1);
  limits.responses_per_second = rate;
  limits.nxdomains_per_second = reader.integer("nxdomains_per_second", 1, kMaxRate).value_or(rate);
  limits.errors_per_second = reader.integer("errors_per_second", 1, kMaxRate).value_or(rate);
  limits.slip = reader.integer("slip", 0, kMaxSlip).value_or(limits.slip);
  limits.ipv4_prefix =
      static_cast<std::uint8_t>(reader.integer("ipv4_prefix", 8, 32).value_or(limits.ipv4_prefix));
  limits.ipv6_prefix = static_cast<std::uint8_t>(
      reader.integer("ipv6_prefix", 16, 128).value_or(limits.ipv6_prefix));
  if (const auto exempt = reader.find("exempt")) limits.exempt = read_prefixes(*exempt, report);
  server.rate_limit = std::move(limits);
}

}  // namespace

std::optional<std::string> read_named_file(const TableReader& reader, std::string_view key,
                                           Draft& draft) {
  const auto name = reader.string(key);
  if (!name) return std::nullopt;
  const std::filesystem::path file = draft.folder / *name;
  auto content = read_file(file);
  if (!content) {
    reader.error(key, quote(*name) + ": " + content.error());
    return std::nullopt;
  }
  draft.config.files.push_back(file);
  return std::move(content->text);
}

void read_server(const toml::table& root, Draft& draft, Report& report) {
  ServerSpec& server = draft.config.server;
  server.listen = default_listen();
  server.identity = host_name();

  const toml::node* node = root.get("server");
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    report.error(Value{node, {}}.position(), "server",
                 "expected a table, not " + std::string(type_name(*node)) + "; write [server]");
    return;
  }
  TableReader reader(*table, "server", report);
  reader.check_keys({"listen", "workers", "identity", "version", "control", "http", "token_file",
                     "state_dir", "cookies", "rate_limit", "tls_listen", "tls_certificate",
                     "tls_key", "proxy_from", "geoip", "latency_file"},
                    {});
  if (const auto listen = reader.find("listen")) server.listen = read_listen(*listen, report);
  server.workers = reader.integer("workers", 0, kMaxWorkers).value_or(0);
  server.identity = reader.parsed("identity", parse_identity).value_or(server.identity);
  server.version = reader.parsed("version", parse_identity).value_or("");
  read_control(reader, draft);
  read_http(reader, draft);
  read_tls(reader, draft, report);
  if (const auto proxies = reader.find("proxy_from")) {
    server.proxy_from = read_prefixes(*proxies, report);
  }
  if (const auto state_dir = reader.parsed("state_dir", parse_path)) {
    server.state_dir = resolve_folder(draft.folder, *state_dir);
  }
  if (const auto cookies = reader.find("cookies")) read_cookies(*cookies, draft, report);
  if (const auto limit = reader.find("rate_limit")) read_rate_limit(*limit, server, report);
}

}  // namespace gslb::app::loading
