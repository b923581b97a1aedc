// The daemon as its users meet it: command line, clients, signals, bad input.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <random>
#include <regex>

#include "dns/wire.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::run;
using testing::HasSubstr;

constexpr const char* kConfig = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53", "2001:db8::53"] }
[endpoint.london]
addresses = ["203.0.113.10", "2001:db8:1::10"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "london" }]
)";

/// cert.pem and key.pem in `folder`.
void make_certificate(const std::filesystem::path& folder, const std::string& name) {
  const std::string dir = folder;
  const support::Finished made =
      run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "1", "-subj", "/CN=" + name, "-keyout", dir + "/key.pem", "-out",
           dir + "/cert.pem"});
  ASSERT_EQ(made.status, 0) << made.output;
}

TEST(CommandLine, ExitStatusesAreThoseOfTheManual) {
  support::TemporaryFolder folder;
  const std::string good = folder.path() / "good.toml";
  const std::string bad = folder.path() / "bad.toml";
  support::write_file(good, kConfig);
  support::write_file(bad, "[profil.vpn]\n");
  const struct {
    std::vector<std::string> arguments;
    int status;
    std::string output;
  } rows[] = {
      {{"--check", "--config", good}, 0, "valid: 1 zones, 1 profiles, 1 endpoints"},
      {{"--check", "--config", bad}, 2, bad + ":1:2: error: "},
      {{"--config", bad}, 2, bad + ":1:2: error: "},
      {{"--check", "--config", "/nonexistent.toml"}, 2, "/nonexistent.toml: error: "},
      {{"--version"}, 0, "gslbd 0."},
      {{"--help"}, 0, "--check"},
      {{"--bogus"}, 2, "--bogus"},
      {{"--config"}, 2, "--config"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.arguments.front());
    std::vector<std::string> command = {GSLBD_BINARY};
    command.insert(command.end(), row.arguments.begin(), row.arguments.end());
    const support::Finished finished = run(command);
    EXPECT_EQ(finished.status, row.status) << finished.output;
    EXPECT_THAT(finished.output, HasSubstr(row.output));
  }
}

TEST(CommandLine, AnAddressInUseEndsTheStartWithTheRemedy) {
  Daemon first(kConfig);
  support::TemporaryFolder folder;
  const std::string file = folder.path() / "gslbd.toml";
  support::write_file(
      file, "[server]\nlisten = [\"" + base::to_string(first.address()) + "\"]\n" + kConfig);
  const support::Finished second = run({GSLBD_BINARY, "--config", file});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.output, HasSubstr("Address already in use; another server listens there"));
  EXPECT_EQ(first.addresses(kVpn), "203.0.113.10");
}

TEST(Daemon, EndsOnSigtermWithStatusZero) {
  Daemon daemon(kConfig);
  daemon.process().signal(SIGTERM);
  EXPECT_EQ(daemon.process().wait(), 0) << daemon.log();
}

TEST(Daemon, AnswersDig) {
  Daemon daemon(kConfig);
  // From an address of its own: dig shares ports by SO_REUSEPORT, and the kernel could otherwise
  // give it the very port that it asks.
  const auto dig = [&](std::vector<std::string> arguments) {
    std::vector<std::string> command = {"dig", "-b",          "127.0.0.2", "@127.0.0.1",
                                        "-p",  daemon.port(), "+tries=1",  "+timeout=5"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command).output;
  };
  EXPECT_EQ(dig({"+short", kVpn}), "203.0.113.10\n");
  EXPECT_EQ(dig({"+short", "+tcp", kVpn, "AAAA"}), "2001:db8:1::10\n");
  EXPECT_EQ(dig({"+short", "gslb.example.com", "NS"}), "ns1.gslb.example.com.\n");
  EXPECT_THAT(dig({"nothing.gslb.example.com"}), HasSubstr("status: NXDOMAIN"));
  EXPECT_THAT(dig({"www.example.net"}), HasSubstr("status: REFUSED"));
  EXPECT_THAT(dig({"+nsid", kVpn}), HasSubstr("(\"test\")"));
  EXPECT_EQ(dig({"+short", "CH", "TXT", "id.server"}), "\"test\"\n");
  EXPECT_THAT(dig({kVpn}), testing::Not(HasSubstr("Warning")));
}

TEST(Daemon, AnswersDrill) {
  Daemon daemon(kConfig);
  const support::Finished drill = run({"drill", "-p", daemon.port(), kVpn, "@127.0.0.1"});
  EXPECT_EQ(drill.status, 0);
  EXPECT_THAT(drill.output, HasSubstr("203.0.113.10"));
}

TEST(Daemon, OutlivesWhateverArrives) {
  Daemon daemon(kConfig);
  std::mt19937 random(20261124);
  support::UdpClient udp(daemon.address());
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 5000; ++i) {
    bytes = support::make_query(kVpn, dns::type::kA, 1232);
    for (int change = 0; change < 4; ++change) {
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    udp.send(bytes);
  }
  for (int i = 0; i < 50; ++i) {
    support::TcpClient tcp(daemon.address());
    bytes.resize(random() % 5000);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    tcp.send_raw(bytes);
  }
  support::TcpClient tcp(daemon.address());
  ASSERT_TRUE(tcp.send(support::make_query(kVpn, dns::type::kA)));
  EXPECT_TRUE(tcp.receive());
  // On a socket of its own: the answers to the mutilated queries wait at the other.
  support::UdpClient fresh(daemon.address());
  EXPECT_TRUE(fresh.ask(support::make_query(kVpn, dns::type::kA)));
  daemon.process().signal(SIGTERM);
  EXPECT_EQ(daemon.process().wait(), 0) << daemon.log();
}

TEST(Daemon, LogsNothingPerQuery) {
  Daemon daemon(kConfig);
  const std::size_t before = daemon.log().size();
  daemon.count_answers(kVpn, 1000);
  EXPECT_EQ(daemon.log().size(), before);
}

TEST(Daemon, KeepsToThirtyMegabytes) {
  if (is_sanitized()) GTEST_SKIP() << "a sanitizer needs memory of its own";
  support::VpnSite site;
  Daemon daemon(site_and_spare(site.port()));
  ASSERT_TRUE(daemon.wait_for_log("-> Online"));
  daemon.count_answers(kVpn, 10'000);
  const long memory = daemon.process().resident_kb();
  ASSERT_GT(memory, 0);
  EXPECT_LT(memory, 30'000) << "kB resident";
}

TEST(Daemon, AnswersOverTlsAndTakesUpANewCertificate) {
  support::TemporaryFolder folder;
  const std::string dir = folder.path();
  make_certificate(folder.path(), "old.example.com");
  Daemon daemon("tls_listen = [\"127.0.0.1:0\"]\ntls_certificate = \"" + dir +
                "/cert.pem\"\ntls_key = \"" + dir + "/key.pem\"\n" + kConfig);
  std::smatch match;
  const std::string log = daemon.log();
  ASSERT_TRUE(std::regex_search(log, match, std::regex("listening on 127.0.0.1:(\\d+) \\(TLS")));
  const std::string port = match[1];

  const support::Finished kdig =
      run({"kdig", "@127.0.0.1", "-p", port, "+tls", "+padding=128", "+timeout=10", kVpn});
  EXPECT_THAT(kdig.output, HasSubstr("203.0.113.10"));
  EXPECT_THAT(kdig.output, HasSubstr("TLS session"));
  EXPECT_THAT(kdig.output, HasSubstr("Received 468 B")) << "padded by RFC 8467";

  const auto subject = [&] {
    return run({"openssl", "s_client", "-connect", "127.0.0.1:" + port, "-alpn", "dot"}).output;
  };
  const std::string before = subject();
  EXPECT_THAT(before, HasSubstr("old.example.com"));
  EXPECT_THAT(before, HasSubstr("ALPN protocol: dot"));
  make_certificate(folder.path(), "new.example.com");
  daemon.process().signal(SIGHUP);
  ASSERT_TRUE(daemon.wait_for_log("configuration applied"));
  EXPECT_THAT(subject(), HasSubstr("new.example.com"));
  EXPECT_EQ(daemon.addresses(kVpn), "203.0.113.10");
}

TEST(Daemon, ProbesNginx) {
  support::TemporaryFolder folder;
  const std::string dir = folder.path();
  make_certificate(folder.path(), "vpn.example.com");

  // A port that was free a moment ago: nginx cannot pick one itself.
  std::uint16_t port = 0;
  {
    support::VpnSite borrowed;
    port = borrowed.port();
  }
  support::write_file(folder.path() / "nginx.conf", R"(
daemon off;
worker_processes 1;
pid )" + dir + R"(/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:)" + std::to_string(port) + R"( ssl;
    server_name vpn.example.com;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    location "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/" { return 401; }
    location / { return 404; }
  }
}
)");
  support::Process nginx({"nginx", "-p", dir, "-c", dir + "/nginx.conf"});
  Daemon daemon(site_and_spare(port));
  ASSERT_TRUE(daemon.wait_for_log("-> Online")) << daemon.log() << nginx.output();
  EXPECT_EQ(daemon.addresses(kVpn), "127.0.0.1");
  nginx.signal(SIGTERM);
  ASSERT_TRUE(daemon.wait_for_log("Online -> Degraded: monitor sstp at")) << daemon.log();
  EXPECT_TRUE(daemon.wait_for_addresses(kVpn, "203.0.113.20"));
}

}  // namespace
}  // namespace gslb::blackbox
