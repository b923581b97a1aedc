#include "app/config.h"

#include "zones/master_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/support/process.h"

// What the good files of tests/conformance/config are read as.
namespace gslb::app {
namespace {

using namespace std::chrono_literals;
using health::HttpMethod;
using health::MonitorSpec;
using health::Protocol;
using health::StatusRange;
using routing::AllDown;
using routing::Method;
using routing::ProfileEndpointSpec;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

namespace fs = std::filesystem;

base::IpAddress ip(std::string_view text) { return base::parse_ip_address(text).value(); }

dns::Name name(std::string_view text) { return dns::parse_name(text).value(); }

std::shared_ptr<const Config> load_good(const std::string& file) {
  const fs::path path = fs::path(GSLB_SOURCE_DIR) / "tests/conformance/config/good" / file;
  const ConfigResult result = load_config(path);
  for (const Diagnostic& diagnostic : result.diagnostics) {
    EXPECT_EQ(diagnostic.severity, Diagnostic::Severity::kWarning) << diagnostic.to_string();
  }
  return result.config;
}

class GoodFile : public testing::Test {
 protected:
  void load(const std::string& file) {
    config_ = load_good(file);
    ASSERT_NE(config_, nullptr);
  }

  const EndpointConfig& endpoint(std::string_view wanted) const {
    for (const EndpointConfig& endpoint : config_->endpoints) {
      if (endpoint.routing.name == wanted) return endpoint;
    }
    throw std::out_of_range("no such endpoint");
  }

  const MonitorSpec& monitor(std::string_view endpoint_name, std::string_view wanted) const {
    for (const auto& monitor : endpoint(endpoint_name).monitors) {
      if (monitor->name == wanted) return *monitor;
    }
    throw std::out_of_range("no such monitor");
  }

  std::shared_ptr<const Config> config_;
};

TEST_F(GoodFile, ClientsAreTreatedAsConfigured) {
  load("server_clients.toml");

  const ServerSpec& server = config_->server;
  EXPECT_EQ(server.identity, "");
  EXPECT_EQ(server.version, "gslbd");
  EXPECT_TRUE(server.cookies.enabled);
  EXPECT_TRUE(server.cookies.require);
  ASSERT_NE(server.cookies.keys, nullptr);
  EXPECT_EQ(server.cookies.keys->count(), 2U);
  ASSERT_EQ(server.proxy_from.size(), 1U);
  EXPECT_TRUE(server.proxy_from[0].contains(ip("10.9.1.1")));
  ASSERT_TRUE(server.rate_limit);
  EXPECT_EQ(server.rate_limit->responses_per_second, 20U);
  EXPECT_EQ(server.rate_limit->nxdomains_per_second, 20U);
  EXPECT_EQ(server.rate_limit->errors_per_second, 5U);
  EXPECT_EQ(server.rate_limit->slip, 1U);
  ASSERT_EQ(server.rate_limit->exempt.size(), 2U);
  EXPECT_EQ(server.rate_limit->exempt[0].length, 8);
  EXPECT_EQ(server.rate_limit->exempt[1].length, 128);
  EXPECT_EQ(config_->files.size(), 1U);
}

TEST_F(GoodFile, TransfersAreRead) {
  load("zone_transfer.toml");
  const dns::TsigKeys& keys = *config_->tsig_keys;
  const dns::Name name_of_key = name("transfer.example.com");
  constexpr std::string_view kSha256("\13hmac-sha256\0", 13);
  const dns::TsigKey* key = keys.find(
      name_of_key.wire(), {reinterpret_cast<const std::uint8_t*>(kSha256.data()), kSha256.size()});
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->algorithm(), dns::TsigAlgorithm::kHmacSha256);
  const std::string_view secret = "01234567890123456789012345678901";
  EXPECT_EQ(*key, *dns::TsigKey::make(name_of_key, dns::TsigAlgorithm::kHmacSha256,
                                      {secret.begin(), secret.end()}));

  ASSERT_EQ(config_->zones.size(), 3U);
  const std::optional<zones::TransferSpec>& transfer = config_->zones[0].transfer;
  ASSERT_TRUE(transfer);
  EXPECT_EQ(transfer->key, name_of_key);
  EXPECT_THAT(transfer->allow, ElementsAre(base::AddressPrefix{ip("192.0.2.54"), 32},
                                           base::AddressPrefix{ip("2001:db8::"), 64}));
  EXPECT_FALSE(config_->zones[2].transfer);
  EXPECT_THAT(config_->files, SizeIs(3)) << "the secrets are watched";
}

TEST_F(GoodFile, ZoneFilesAreRead) {
  load("zone_file.toml");

  ASSERT_EQ(config_->zones.size(), 1U);
  ASSERT_NE(config_->zones[0].file, nullptr);
  EXPECT_EQ(config_->zones[0].file->records.size(), 2U);
  EXPECT_EQ(config_->files.size(), 1U);
}

TEST_F(GoodFile, MinimalFileTakesEveryDefault) {
  load("minimal.toml");

  EXPECT_THAT(config_->server.listen, ElementsAre(base::SocketAddress{ip("0.0.0.0"), 53},
                                                  base::SocketAddress{ip("::"), 53}));
  EXPECT_EQ(config_->server.workers, 0U);
  std::array<char, 256> host_name{};
  gethostname(host_name.data(), host_name.size() - 1);
  EXPECT_EQ(config_->server.identity, host_name.data());

  ASSERT_EQ(config_->zones.size(), 1U);
  EXPECT_EQ(config_->zones[0].hostmaster, name("hostmaster.gslb.example.com"));
  EXPECT_EQ(config_->zones[0].negative_ttl, 60s);

  ASSERT_EQ(config_->endpoints.size(), 1U);
  EXPECT_TRUE(config_->endpoints[0].routing.enabled);
  EXPECT_THAT(config_->endpoints[0].monitors, IsEmpty());
  EXPECT_EQ(config_->endpoints[0].probe_address, std::nullopt);

  ASSERT_EQ(config_->profiles.size(), 1U);
  EXPECT_EQ(config_->profiles[0].ttl, 30s);
  EXPECT_EQ(config_->profiles[0].when_all_down, AllDown::kServeAll);
  EXPECT_TRUE(config_->profiles[0].enabled);
  EXPECT_THAT(config_->profiles[0].endpoints,
              ElementsAre(ProfileEndpointSpec{.endpoint = 0, .weight = 1, .priority = 1}));
}

TEST_F(GoodFile, ServerKeysAreRead) {
  load("everything.toml");
  EXPECT_THAT(config_->server.listen, ElementsAre(base::SocketAddress{ip("127.0.0.1"), 0},
                                                  base::SocketAddress{ip("127.0.0.1"), 0},
                                                  base::SocketAddress{ip("::1"), 5353}));
  EXPECT_EQ(config_->server.workers, 2U);
  EXPECT_EQ(config_->server.identity, "ns1-lon");
}

TEST_F(GoodFile, NameServersKeepTheOrderOfTheFile) {
  load("everything.toml");
  ASSERT_EQ(config_->zones.size(), 2U);
  const zones::ZoneSpec& zone = config_->zones[0];
  EXPECT_EQ(zone.apex, name("gslb.example.com"));
  EXPECT_THAT(
      zone.nameservers,
      ElementsAre(zones::NameServerSpec{name("ns2.gslb.example.com"), {ip("198.51.100.53")}},
                  zones::NameServerSpec{name("ns1.gslb.example.com"),
                                        {ip("192.0.2.53"), ip("2001:db8::53")}},
                  zones::NameServerSpec{name("ns.example.net"), {}}));
  EXPECT_EQ(zone.hostmaster, name("john\\.doe.example.com"));
  EXPECT_EQ(zone.negative_ttl, 5min);

  EXPECT_EQ(config_->zones[1].apex, name("corp.example.org"));
  EXPECT_THAT(config_->zones[1].nameservers,
              ElementsAre(zones::NameServerSpec{name("ns1.gslb.example.com"), {}}));
}

TEST_F(GoodFile, AddressesOfANameServerOutsideTheZoneAreDropped) {
  load("warnings.toml");
  EXPECT_THAT(config_->zones[0].nameservers[1].addresses, IsEmpty());
}

TEST_F(GoodFile, SstpPresetSetsItsKeys) {
  load("everything.toml");
  const MonitorSpec expected{
      .name = "sstp",
      .protocol = Protocol::kHttps,
      .port = 443,
      .host = "vpn.example.com",
      .path = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/",
      .method = HttpMethod::kGet,
      .expected_status = {{401, 401}},
      .headers = {},
      .expect_body = "",
      .certificate = {.policy = health::CertificatePolicy::kWarn, .trust = {}},
      .interval = 10s,
      .timeout = 5s,
      .tolerated_failures = 0,
      .recoveries = 10};
  EXPECT_EQ(monitor("paris", "sstp"), expected);
}

TEST_F(GoodFile, PresetKeysAreOverridden) {
  load("everything.toml");
  const MonitorSpec& overridden = monitor("london", "sstp-behind-proxy");
  EXPECT_EQ(overridden.protocol, Protocol::kHttp);
  EXPECT_EQ(overridden.port, 8080);
  EXPECT_EQ(overridden.path, "/");
  EXPECT_THAT(overridden.expected_status, ElementsAre(StatusRange{200, 200}));
}

TEST_F(GoodFile, PresetWithProtocolTcpKeepsThePortAlone) {
  load("everything.toml");
  const MonitorSpec& overridden = monitor("london", "port-443");
  EXPECT_EQ(overridden.protocol, Protocol::kTcp);
  EXPECT_EQ(overridden.port, 443);
  EXPECT_EQ(overridden.path, "");
  EXPECT_THAT(overridden.expected_status, IsEmpty());
}

TEST_F(GoodFile, HttpsMonitorKeysAreRead) {
  load("everything.toml");
  const MonitorSpec& web = monitor("paris", "web");
  EXPECT_EQ(web.protocol, Protocol::kHttps);
  EXPECT_EQ(web.port, 8443);
  EXPECT_EQ(web.host, "www.example.com");
  EXPECT_EQ(web.path, "/health?full=1");
  EXPECT_THAT(web.expected_status,
              ElementsAre(StatusRange{401, 401}, StatusRange{200, 299}, StatusRange{302, 302}));
  EXPECT_THAT(web.headers, ElementsAre(Pair("X-Probe", "gslbd"), Pair("Accept", "text/plain")));
  EXPECT_EQ(web.expect_body, "ready");
  EXPECT_EQ(web.interval, 1h);
  EXPECT_EQ(web.timeout, 100ms);
}

TEST_F(GoodFile, Ikev2MonitorsAreRead) {
  load("monitor_ikev2.toml");
  const MonitorSpec& usual = monitor("london", "usual");
  EXPECT_EQ(usual.protocol, Protocol::kIkev2);
  EXPECT_EQ(usual.port, 500);
  EXPECT_EQ(usual.nat_port, 4500);
  EXPECT_EQ(usual.ike_mode, health::IkeMode::kReject);
  EXPECT_THAT(usual.path, IsEmpty());
  EXPECT_THAT(usual.expected_status, IsEmpty());
  const MonitorSpec& nat = monitor("london", "behind_nat_only");
  EXPECT_EQ(nat.port, 0);
  EXPECT_EQ(nat.nat_port, 4500);
  EXPECT_EQ(nat.ike_mode, health::IkeMode::kNegotiate);
}

TEST_F(GoodFile, HttpMonitorTakesItsDefaults) {
  load("everything.toml");
  const MonitorSpec& plain = monitor("london", "plain");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.host, "");
  EXPECT_EQ(plain.path, "/");
  EXPECT_EQ(plain.method, HttpMethod::kHead);
  EXPECT_THAT(plain.expected_status, ElementsAre(StatusRange{200, 200}));
  EXPECT_EQ(plain.interval, 1s);
  EXPECT_EQ(plain.timeout, 500ms) << "half the interval where that is less than 10s";
  EXPECT_EQ(plain.tolerated_failures, 3U);
  EXPECT_EQ(plain.recoveries, 1U);
}

TEST_F(GoodFile, TcpMonitorHasNoHttpFields) {
  load("everything.toml");
  const MonitorSpec& rdp = monitor("london", "rdp");
  EXPECT_EQ(rdp.protocol, Protocol::kTcp);
  EXPECT_EQ(rdp.port, 3389);
  EXPECT_EQ(rdp.path, "");
  EXPECT_THAT(rdp.expected_status, IsEmpty());
  EXPECT_EQ(rdp.interval, 30s);
  EXPECT_EQ(rdp.timeout, 10s) << "never more than 10s";
}

TEST_F(GoodFile, EndpointsAreRead) {
  load("everything.toml");
  ASSERT_EQ(config_->endpoints.size(), 4U);
  EXPECT_EQ(config_->endpoints[0].routing.name, "paris") << "in the order of the file";
  EXPECT_FALSE(endpoint("paris").routing.enabled);

  const EndpointConfig& london = endpoint("london");
  EXPECT_TRUE(london.routing.enabled);
  EXPECT_THAT(london.routing.ipv4, ElementsAre(ip("203.0.113.11"), ip("203.0.113.10")));
  EXPECT_THAT(london.routing.ipv6, ElementsAre(ip("2001:db8:1::10")));
  EXPECT_EQ(london.probe_address, ip("10.0.0.10"));
  EXPECT_EQ(london.monitors.size(), 4U);
  EXPECT_THAT(endpoint("site.3").monitors, IsEmpty());
  EXPECT_THAT(endpoint("site_4").monitors, IsEmpty());
}

TEST_F(GoodFile, ProfilesAreReadAndResolved) {
  load("everything.toml");
  ASSERT_EQ(config_->profiles.size(), 3U);
  // paris 0, london 1, site.3 2, site_4 3
  const routing::ProfileSpec vpn{
      .name = "vpn",
      .owner = name("vpn.gslb.example.com"),
      .method = Method::kWeighted,
      .ttl = 0s,
      .when_all_down = AllDown::kServFail,
      .enabled = false,
      .endpoints = {
          {.endpoint = 1, .weight = 0, .priority = 1},
          {.endpoint = 0, .weight = 1000, .priority = 2, .always_serve = true, .enabled = false}}};
  EXPECT_EQ(config_->profiles[0], vpn);

  const routing::ProfileSpec admin{.name = "admin",
                                   .owner = name("admin.corp.example.org"),
                                   .method = Method::kPriority,
                                   .ttl = 24h,
                                   .when_all_down = AllDown::kNoData,
                                   .enabled = true,
                                   .endpoints = {{.endpoint = 2, .weight = 1, .priority = 1},
                                                 {.endpoint = 0, .weight = 3, .priority = 7},
                                                 {.endpoint = 3, .weight = 1, .priority = 3}}};
  EXPECT_EQ(config_->profiles[1], admin);
  EXPECT_EQ(config_->profiles[2].owner, config_->zones[0].apex);
  EXPECT_EQ(config_->profiles[2].when_all_down, AllDown::kServeAll);
}

TEST_F(GoodFile, InlineTablesMeanTheSame) {
  load("inline_tables.toml");
  EXPECT_EQ(config_->zones.size(), 1U);
  EXPECT_EQ(monitor("london", "sstp").port, 443);
  EXPECT_EQ(config_->profiles[0].owner, name("vpn.gslb.example.com"));
}

TEST(LoadConfig, SerialIsTheTimeOfTheLastChange) {
  const fs::path file = fs::path(testing::TempDir()) / "gslb_config_serial_test.toml";
  std::ofstream(file) << "[zone.\"example.com\"]\n"
                         "nameservers = { \"ns1.example.com\" = [\"192.0.2.53\"] }\n";
  const std::array<timespec, 2> times{{{1'700'000'000, 0}, {1'700'000'001, 999'999'999}}};
  ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times.data(), 0), 0);
  const ConfigResult result = load_config(file);
  fs::remove(file);
  ASSERT_NE(result.config, nullptr);
  EXPECT_EQ(result.config->serial, 1'700'000'001U);
}

struct FileProblem {
  const char* name;
  std::string path;
  const char* expected;
};

TEST(LoadConfig, FilesThatCannotBeReadAreReportedAsAWhole) {
  const std::string pipe = testing::TempDir() + "gslb_config_pipe_" + std::to_string(getpid());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::vector<FileProblem> problems{
      {"missing", "/no/such/gslbd.toml",
       "/no/such/gslbd.toml: error: cannot open the file: No such file or directory; check the "
       "path"},
      {"directory", "/etc", "/etc: error: this is a directory; give the path of a file"},
      {"device", "/dev/zero",
       "/dev/zero: error: this is not a regular file; give the path of a file"},
      {"pipe without a writer", pipe, nullptr},
      {"no path", "", ": error: cannot open the file: No such file or directory; check the path"},
  };
  for (const FileProblem& problem : problems) {
    SCOPED_TRACE(problem.name);
    const ConfigResult result = load_config(problem.path);
    EXPECT_EQ(result.config, nullptr);
    ASSERT_EQ(result.diagnostics.size(), 1U);
    if (problem.expected != nullptr) {
      EXPECT_EQ(result.diagnostics[0].to_string(), problem.expected);
    } else {
      EXPECT_THAT(result.diagnostics[0].to_string(), HasSubstr("not a regular file"));
    }
  }
  fs::remove(pipe);
}

TEST(LoadConfig, FileBeyondTheLimitIsRefused) {
  const fs::path file = fs::path(testing::TempDir()) / "gslb_config_large_test.toml";
  std::ofstream(file) << "# sparse\n";
  fs::resize_file(file, std::uintmax_t{17} << 20U);
  const ConfigResult result = load_config(file);
  fs::remove(file);
  ASSERT_EQ(result.diagnostics.size(), 1U);
  EXPECT_THAT(result.diagnostics[0].message, HasSubstr("larger than 16 MiB"));
}

TEST(LoadConfig, ARecordTooLargeToBeTransferredIsNamed) {
  const support::TemporaryFolder folder;
  const fs::path file = folder.path() / "gslbd.toml";
  const std::string zone =
      "[zone.\"a.test\"]\nnameservers = { \"ns.b.test\" = [] }\nfile = \"a\"\n";
  support::write_file(folder.path() / "a",
                      "\nfat TYPE65280 \\# 64000 " + std::string(128'000, '0') + "\n");
  support::write_file(file, zone);
  EXPECT_FALSE(has_errors(load_config(file).diagnostics));
  support::write_file(file, "[tsig.key]\nsecret_file = \"" GSLB_SOURCE_DIR
                            "/docs/reference/transfer.key\"\n" +
                                zone + "allow_transfer = [\"::1\"]\ntransfer_key = \"key\"\n");
  const Diagnostics diagnostics = load_config(file).diagnostics;
  ASSERT_THAT(diagnostics, SizeIs(1));
  EXPECT_THAT(diagnostics[0].to_string(),
              HasSubstr("a:2:1: error: the record has 64022 octets, and one of more than 63487 "
                        "cannot be transferred; shorten it, or remove allow_transfer"));
}

TEST(ParseConfig, DiagnosticsNameTheGivenFile) {
  const ConfigResult result = parse_config("[server]\nworkers = 257\n", "etc/my.toml", 0);
  ASSERT_EQ(result.diagnostics.size(), 2U);
  EXPECT_EQ(result.diagnostics[0].to_string(),
            "etc/my.toml:1:1: error: zone: no zone is defined; add at least one [zone.\"NAME\"]");
  EXPECT_EQ(result.diagnostics[1].to_string(),
            "etc/my.toml:2:11: error: server.workers: 257 is out of range; use 0 to 256");
}

TEST(ParseConfig, HostmasterOfALongZoneMustBeGiven) {
  std::string zone;
  for (int i = 0; i < 61; ++i) zone += "abc.";
  zone += "example";  // 61 * 4 + 8 + 1 = 253 octets; hostmaster. does not fit any more.
  const ConfigResult result =
      parse_config("[zone.\"" + zone + "\"]\nnameservers = { \"ns.example.net\" = [] }\n", "f", 0);
  ASSERT_EQ(result.diagnostics.size(), 1U);
  EXPECT_THAT(result.diagnostics[0].message,
              HasSubstr("is longer than 255 octets; set hostmaster"));
}

TEST(ParseConfig, PriorityBeyondTheRangeMustBeWritten) {
  std::string text =
      "[zone.\"example.com\"]\nnameservers = { \"ns.example.net\" = [] }\n"
      "[profile.vpn]\nname = \"example.com\"\nmethod = \"priority\"\nendpoints = [\n";
  for (int i = 0; i <= 1000; ++i) text += "{ endpoint = \"e" + std::to_string(i) + "\" },\n";
  text += "]\n";
  for (int i = 0; i <= 1000; ++i) {
    text += "[endpoint.e" + std::to_string(i) + "]\naddresses = [\"192.0.2.1\"]\n";
  }
  const ConfigResult result = parse_config(text, "f", 0);
  ASSERT_EQ(result.diagnostics.size(), 1U);
  EXPECT_EQ(result.diagnostics[0].key, "profile.vpn.endpoints[1000].priority");
  EXPECT_EQ(result.diagnostics[0].line, 1007U);
}

}  // namespace
}  // namespace gslb::app
