#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app::loading {
namespace {

constexpr std::size_t kMaxIdentityLength = 255;
constexpr unsigned kMaxWorkers = 256;

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

Parsed<std::string> parse_identity(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdentityLength) {
    return tl::unexpected<std::string>("has " + std::to_string(text.size()) +
                                       " octets; write 1 to 255");
  }
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

}  // namespace

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
  reader.check_keys({"listen", "workers", "identity"},
                    {"control", "state_dir", "geoip", "http", "token_file", "tls_listen",
                     "tls_certificate", "tls_key", "latency_file"});
  if (const auto listen = reader.find("listen")) server.listen = read_listen(*listen, report);
  server.workers = reader.integer("workers", 0, kMaxWorkers).value_or(0);
  server.identity = reader.parsed("identity", parse_identity).value_or(server.identity);
}

}  // namespace gslb::app::loading
