#include "tests/oracle/servers.h"

#include <sys/socket.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "base/unique_fd.h"
#include "dns/sockaddr.h"
#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"

namespace gslb::oracle {
namespace {

constexpr std::chrono::seconds kPatience{20};

/// Where a server is told to live.
struct Place {
  std::filesystem::path folder;
  std::uint16_t port;

  std::string dir() const { return folder.string(); }
  std::string at() const { return std::to_string(port); }
};

}  // namespace

class Starter {
 public:
  /// `prepare` writes the configuration to its place and returns the command.
  template <typename Prepare>
  static Server start(const std::string& name, const ServedZone& zone, Prepare prepare) {
    std::string log;
    for (int attempt = 0; attempt < 3; ++attempt) {
      Server server = launch(name, prepare);
      if (answers(server, zone)) return server;
      log = server.log();
    }
    throw std::runtime_error(name + " does not start:\n" + log);
  }

  static void read_port_from_log(Server& server) {
    const std::string mark = "listening on ";
    if (const auto at = server.process_->wait_for_output(mark)) {
      const std::string log = server.log();
      const auto address = base::parse_socket_address(log.substr(*at, log.find(' ', *at) - *at));
      if (address) server.address_ = *address;
    }
  }

 private:
  template <typename Prepare>
  static Server launch(const std::string& name, Prepare& prepare) {
    Server server;
    server.name_ = name;
    server.folder_ = std::make_unique<support::TemporaryFolder>();
    const Place place{server.folder_->path(), support::free_port()};
    server.address_ = {base::IpAddress::v4({127, 0, 0, 1}), place.port};
    server.process_ = std::make_unique<support::Process>(prepare(place));
    if (name == "gslbd") read_port_from_log(server);
    return server;
  }

  static bool answers(Server& server, const ServedZone& zone) {
    constexpr std::uint16_t kSoa = 6;
    const auto query = support::make_query(zone.apex, kSoa);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until && server.process_->is_running()) {
      support::UdpClient client(server.address_);
      const auto response = client.ask(query, std::chrono::milliseconds(100));
      const auto message = response ? support::parse_message(*response) : std::nullopt;
      if (message && message->rcode == "NOERROR" && message->answer.size() == 1) return true;
      // A port where nothing listens yet refuses at once.
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
};

Server start_gslbd(const std::string& binary, const ServedZone& zone) {
  return Starter::start("gslbd", zone, [&](const Place& place) {
    support::write_file(place.folder / "gslbd.toml", R"([server]
listen = ["127.0.0.1:0"]
workers = 1
identity = "oracle"
[zone.")" + zone.apex + "\"]\nnameservers = " + zone.gslbd_nameservers +
                                                         "\nfile = \"" + zone.file.string() +
                                                         "\"\n");
    return std::vector<std::string>{binary, "--config", place.dir() + "/gslbd.toml"};
  });
}

Server start_nsd(const ServedZone& zone) {
  return Starter::start("NSD", zone, [&](const Place& place) {
    const std::string dir = place.dir();
    support::write_file(place.folder / "nsd.conf", "server:\n  ip-address: 127.0.0.1@" +
                                                       place.at() + R"(
  server-count: 1
  username: ""
  database: ""
  nsid: "ascii_oracle"
  ipv4-edns-size: 1232
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
  zonesdir: ")" + dir + "\"\n  pidfile: \"" + dir + "/nsd.pid\"\n  xfrdfile: \"" +
                                                       dir + "/xfrd.state\"\n  zonelistfile: \"" +
                                                       dir + "/zone.list\"\n  xfrdir: \"" + dir +
                                                       R"("
remote-control:
  control-enable: no
zone:
  name: )" + zone.apex + "\n  zonefile: \"" + zone.file.string() +
                                                       "\"\n");
    return std::vector<std::string>{"/usr/sbin/nsd", "-d", "-c", dir + "/nsd.conf"};
  });
}

Server start_knot(const ServedZone& zone) {
  return Starter::start("Knot", zone, [&](const Place& place) {
    const std::string dir = place.dir();
    support::write_file(place.folder / "knot.conf", R"(server:
    listen: 127.0.0.1@)" + place.at() + "\n    rundir: \"" +
                                                        dir + R"("
    identity: oracle
    nsid: oracle
    udp-max-payload: 1232
    edns-client-subnet: on
    udp-workers: 1
    tcp-workers: 1
log:
  - target: stderr
    any: warning
database:
    storage: ")" + dir + R"("
mod-cookies:
  - id: default
template:
  - id: default
    global-module: mod-cookies/default
    zonefile-sync: -1
    journal-content: none
    semantic-checks: off
zone:
  - domain: )" + zone.apex + "\n    file: \"" + zone.file.string() +
                                                        "\"\n");
    return std::vector<std::string>{"/usr/sbin/knotd", "-c", dir + "/knot.conf"};
  });
}

Server start_bind(const ServedZone& zone) {
  return Starter::start("BIND", zone, [&](const Place& place) {
    const std::string dir = place.dir();
    support::write_file(place.folder / "named.conf", "options {\n  directory \"" + dir +
                                                         "\";\n  listen-on port " + place.at() +
                                                         R"( { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  recursion no;
  notify no;
  allow-transfer { none; };
  minimal-responses yes;
  empty-zones-enable no;
  server-id "oracle";
  hostname "oracle";
  version none;
  edns-udp-size 1232;
  max-udp-size 1232;
  check-names primary ignore;
};
controls { };
zone ")" + zone.apex + "\" { type primary; file \"" + zone.file.string() +
                                                         "\"; };\n");
    return std::vector<std::string>{"/usr/sbin/named", "-g", "-n", "1", "-c", dir + "/named.conf"};
  });
}

Server start_gdnsd(const ServedZone& zone) {
  return Starter::start("gdnsd", zone, [&](const Place& place) {
    const std::string dir = place.dir();
    std::filesystem::create_directories(place.folder / "config/zones");
    std::filesystem::create_directories(place.folder / "run");
    std::filesystem::create_directories(place.folder / "state");
    support::write_file(place.folder / "config/config", "options => {\n  listen => 127.0.0.1:" +
                                                            place.at() + R"(
  udp_threads => 1
  tcp_threads => 1
  max_edns_response => 1232
  nsid_ascii => oracle
  chaos_response => oracle
  run_dir => )" + dir + "/run\n  state_dir => " + dir + "/state\n}\n");
    std::filesystem::copy_file(zone.file, place.folder / "config/zones" / zone.apex);
    return std::vector<std::string>{"/usr/sbin/gdnsd", "-c", dir + "/config", "start"};
  });
}

}  // namespace gslb::oracle
