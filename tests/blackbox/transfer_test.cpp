// Zones transferred to real clients: dig, kdig, and NSD as a secondary server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <list>
#include <stdexcept>

#include "dns/listen.h"
#include "dns/wire.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/tsig.h"

namespace gslb::blackbox {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using support::run;
using support::SignedMessage;
using support::TsigSecret;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kZone = "static.test";
/// 32 times 0x5A, as TsigSecret has it.
constexpr const char* kSecret = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=";
constexpr const char* kOtherSecret = "W1paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo=";
constexpr const char* kKey = "transfer.example.com";
constexpr std::chrono::seconds kPatience{20};

/// Every kind of record, in every kind of place. The refresh time lets a secondary look every
/// second.
std::string zone_text(unsigned serial, const std::string& more = "") {
  return R"($ORIGIN static.test.
$TTL 300
@           SOA   ns1 hostmaster )" +
         std::to_string(serial) + R"( 1 1 86400 120
            NS    ns1
            NS    ns.outside.example.
            MX    10 mail
            TXT   "v=spf1 -all" "second string"
            CAA   0 issue "ca.example.net"
ns1    3600 A     192.0.2.53
mail        A     192.0.2.25
            AAAA  2001:db8::25
MiXed  3600 A     192.0.2.80
svc         HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.80
unknown     TYPE65280 \# 4 0a000001
_sip._tcp   SRV   0 5 443 mail
www         CNAME MiXed
away        CNAME www.example.net.
*.wild      A     192.0.2.100
deep.ent    A     192.0.2.90
child       NS    ns.child
            DS    12345 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ns.child    A     198.51.100.53
old         DNAME new.example.net.
)" + more;
}

/// A daemon that serves static.test to whoever signs with the key from 127.0.0.1, and
/// other.test to nobody.
class Transfer : public testing::Test {
 protected:
  void start(const std::string& text) {
    support::write_file(file("transfer.key"), kSecret);
    support::write_file(file("static.zone"), text);
    daemon_ = std::make_unique<Daemon>(config());
  }

  fs::path file(const char* name) const { return folder_.path() / name; }

  std::string config(const std::string& algorithm = "hmac-sha256") const {
    return "[tsig.\"" + std::string(kKey) + "\"]\nalgorithm = \"" + algorithm +
           "\"\nsecret_file = \"" + file("transfer.key").string() +
           "\"\n[zone.\"static.test\"]\nnameservers = { \"ns1.static.test\" = [\"192.0.2.53\"], "
           "\"ns.outside.example\" = [] }\nfile = \"" +
           file("static.zone").string() +
           "\"\nallow_transfer = [\"127.0.0.1\"]\ntransfer_key = \"" + kKey +
           "\"\n[zone.\"other.test\"]\nnameservers = { \"ns.outside.example\" = [] }\n";
  }

  /// Replaces the zone file, and waits until it is served.
  void change_zone(const std::string& text) {
    support::replace_file(file("static.zone"), text);
    ASSERT_TRUE(daemon_->wait_for_log("configuration applied")) << daemon_->log();
  }

  std::string dig(const std::vector<std::string>& more) const {
    return dig_at(daemon_->port(), more);
  }
  static std::string dig_at(const std::string& port, const std::vector<std::string>& more) {
    std::vector<std::string> command{"dig", "@127.0.0.1", "-p", port, "+tries=1"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command).output;
  }
  static std::string key(const std::string& secret = kSecret,
                         const std::string& algorithm = "hmac-sha256",
                         const std::string& name = kKey) {
    return algorithm + ":" + name + ":" + secret;
  }

  /// The records of a zone in one form and order, whoever has written them down.
  std::string normal(const std::string& text) const {
    support::write_file(file("read.zone"), text);
    return run({"ldns-read-zone", "-z", file("read.zone").string()}).output;
  }

  std::string transferred(const std::string& port, const std::string& with_key) const {
    std::vector<std::string> arguments{"+noall", "+answer", "+onesoa", kZone, "AXFR"};
    if (!with_key.empty()) arguments.insert(arguments.begin(), {"-y", with_key});
    return dig_at(port, arguments);
  }

  /// AXFR of static.test with a signature of the time that many seconds from now.
  static std::vector<std::uint8_t> axfr(int seconds = 0) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return support::sign(
        support::make_query(kZone, dns::type::kAxfr), TsigSecret{},
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count() +
                                   seconds));
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<Daemon> daemon_;
};

TEST_F(Transfer, DigAndKdigGetExactlyTheRecordsOfTheMasterFile) {
  start(zone_text(1));
  const std::string expected = normal(zone_text(1));
  ASSERT_THAT(expected, HasSubstr("_sip._tcp.static.test."));
  EXPECT_EQ(normal(transferred(daemon_->port(), key())), expected);

  const std::string kdig = run({"kdig", "@127.0.0.1", "-p", daemon_->port(), "+noall", "+answer",
                                "-y", key(), kZone, "AXFR"})
                               .output;
  EXPECT_EQ(normal(kdig), expected);
  EXPECT_THAT(kdig, HasSubstr("MiXed.static.test.")) << "the letter case is kept";
}

TEST_F(Transfer, IxfrSaysWhetherThereIsSomethingNew) {
  start(zone_text(7));
  const std::vector<std::string> quiet{"-y", key(), "+noall", "+answer"};
  const auto lines = [&](const std::string& type, const char* transport) {
    std::vector<std::string> arguments = quiet;
    arguments.insert(arguments.end(), {transport, kZone, type});
    const std::string output = dig(arguments);
    return std::count(output.begin(), output.end(), '\n');
  };
  EXPECT_EQ(lines("IXFR=7", "+tcp"), 1) << "the SOA";
  EXPECT_GT(lines("IXFR=6", "+tcp"), 20);
  EXPECT_EQ(lines("IXFR=6", "+notcp"), 1);
}

TEST_F(Transfer, NobodyElseGetsTheZone) {
  start(zone_text(1));
  const auto refused = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all = arguments;
    all.insert(all.end(), {"AXFR"});
    const std::string output = dig(all);
    EXPECT_THAT(output, Not(HasSubstr("SOA")));
    EXPECT_THAT(output, HasSubstr("Transfer failed"));
    return output;
  };
  refused({kZone});
  refused({"-y", key(), "other.test"});
  refused({"-y", key(), "-b", "127.0.0.2", kZone});
  EXPECT_THAT(refused({"-y", key(kSecret, "hmac-sha256", "wrong.example.com"), kZone}),
              HasSubstr("BADKEY"));
  EXPECT_THAT(refused({"-y", key(kSecret, "hmac-sha512"), kZone}), HasSubstr("BADKEY"));
  EXPECT_THAT(refused({"-y", key(kOtherSecret), kZone}), HasSubstr("BADSIG"));

  // dig shows no response code of a failed transfer; kdig does, and dig without retries by TCP.
  const auto kdig = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"kdig", "@127.0.0.1", "-p", daemon_->port()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all).output;
  };
  EXPECT_THAT(kdig({kZone, "AXFR"}), HasSubstr("REFUSED"));
  EXPECT_THAT(kdig({"-y", key(), "www.static.test", "AXFR"}), HasSubstr("NOTAUTH"));
}

TEST_F(Transfer, AClockThatIsOffIsToldSo) {
  start(zone_text(1));
  for (const int seconds : {-301, 400}) {
    SCOPED_TRACE(seconds);
    support::TcpClient client(daemon_->address());
    ASSERT_TRUE(client.send(axfr(seconds)));
    const auto response = client.receive();
    ASSERT_TRUE(response);
    const auto parts = support::split(*response);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->error, dns::tsig_error::kBadTime);
    const auto asked = support::split(axfr(seconds));
    EXPECT_EQ(parts->mac, support::mac_of(*parts, TsigSecret{}, asked->mac)) << "it can be trusted";
    const auto message = support::parse_message(parts->message);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->rcode, "NOTAUTH");
    EXPECT_TRUE(message->answer.empty());
  }
}

TEST_F(Transfer, OrdinaryQueriesAreSignedByEveryAlgorithm) {
  start(zone_text(1));
  for (const char* algorithm : {"hmac-sha256", "hmac-sha384", "hmac-sha512"}) {
    SCOPED_TRACE(algorithm);
    daemon_->reload(config(algorithm));
    for (const char* transport : {"+notcp", "+tcp"}) {
      const std::string output =
          dig({"-y", key(kSecret, algorithm), transport, "mail.static.test", "AAAA"});
      EXPECT_THAT(output, HasSubstr("2001:db8::25"));
      EXPECT_THAT(output, HasSubstr("TSIG PSEUDOSECTION"));
      EXPECT_THAT(output, Not(HasSubstr("could not be validated")));
    }
  }
}

TEST_F(Transfer, AnotherSecretIsTakenOverLive) {
  start(zone_text(1));
  EXPECT_THAT(transferred(daemon_->port(), key()), HasSubstr("MiXed"));
  support::replace_file(file("transfer.key"), kOtherSecret);
  ASSERT_TRUE(daemon_->wait_for_log("tsig keys changed")) << daemon_->log();
  ASSERT_TRUE(daemon_->wait_for_log("configuration applied"));
  EXPECT_THAT(transferred(daemon_->port(), key()), HasSubstr("tsig indicates error"));
  EXPECT_THAT(transferred(daemon_->port(), key(kOtherSecret)), HasSubstr("MiXed"));
}

/// NSD that has static.test from gslbd.
class Secondary {
 public:
  Secondary(const fs::path& folder, const std::string& primary_port) {
    // A port that was free a moment ago: NSD cannot pick one itself.
    const auto sockets = dns::open_listen_sockets(*base::parse_socket_address("127.0.0.1:0"), 1);
    if (!sockets) throw std::runtime_error(sockets.error().text);
    port_ = std::to_string(sockets->address.port);
    const std::string dir = folder.string();
    support::write_file(folder / "nsd.conf", R"(
server:
  ip-address: 127.0.0.1@)" + port_ + R"(
  server-count: 1
  username: ""
  verbosity: 2
  database: ""
  zonesdir: ")" + dir + R"("
  xfrdir: ")" + dir + R"("
  pidfile: ")" + dir + R"(/nsd.pid"
  xfrdfile: ")" + dir + R"(/xfrd.state"
  zonelistfile: ")" + dir + R"(/zone.list"
remote-control:
  control-enable: no
key:
  name: transfer.example.com
  algorithm: hmac-sha256
  secret: ")" + kSecret + R"("
zone:
  name: static.test
  zonefile: secondary.zone
  request-xfr: 127.0.0.1@)" + primary_port + R"( transfer.example.com
  provide-xfr: 127.0.0.1 NOKEY
)");
    process_.emplace(
        std::vector<std::string>{"/usr/sbin/nsd", "-d", "-c", (folder / "nsd.conf").string()});
  }

  const std::string& port() const { return port_; }
  std::string log() const { return process_->output(); }

  bool wait_for_serial(unsigned serial) const {
    return process_->wait_for_output("is updated to " + std::to_string(serial), 0, kPatience)
        .has_value();
  }

 private:
  std::string port_;
  std::optional<support::Process> process_;
};

/// Without what differs from one response to the next, the EDNS options of either server, and the
/// letter case, which NSD does not keep.
std::string status_and_answer(std::string output) {
  for (char& c : output) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::size_t status = std::min(output.find("status:"), output.size());
  const std::size_t answer = std::min(output.find(";; answer section"), output.size());
  return output.substr(status, output.find(',', status) - status) + output.substr(answer);
}

TEST_F(Transfer, NsdServesItsCopyAsWeDoAndFollowsItsChanges) {
  start(zone_text(1));
  const Secondary nsd(folder_.path(), daemon_->port());
  ASSERT_TRUE(nsd.wait_for_serial(1)) << nsd.log();
  EXPECT_EQ(normal(transferred(nsd.port(), "")), normal(zone_text(1)));

  const std::pair<const char*, const char*> questions[] = {{"static.test", "SOA"},
                                                           {"static.test", "TXT"},
                                                           {"mixed.static.test", "A"},
                                                           {"www.static.test", "A"},
                                                           {"x.wild.static.test", "A"},
                                                           {"svc.static.test", "HTTPS"},
                                                           {"ent.static.test", "A"},
                                                           {"nothing.static.test", "A"},
                                                           {"x.child.static.test", "A"},
                                                           {"x.old.static.test", "A"},
                                                           {"unknown.static.test", "TYPE65280"}};
  for (const auto& [name, type] : questions) {
    const std::vector<std::string> arguments{"+norecurse", "+noall", "+answer",
                                             "+comments",  name,     type};
    EXPECT_EQ(status_and_answer(dig_at(nsd.port(), arguments)), status_and_answer(dig(arguments)))
        << name << " " << type;
  }

  const std::string changed = zone_text(2, "added TXT \"of version 2\"\n");
  change_zone(changed);
  ASSERT_TRUE(nsd.wait_for_serial(2)) << nsd.log();
  EXPECT_EQ(normal(transferred(nsd.port(), "")), normal(changed));
}

std::string hosts(unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i) {
    text += "host" + std::to_string(i) + " A 10.0." + std::to_string(i / 256 % 256) + "." +
            std::to_string(i % 256) + "\n";
  }
  return text;
}

/// Takes so many records of a transfer; false where it breaks off.
bool take_zone(support::TcpClient& client, std::size_t records) {
  for (std::size_t taken = 0; taken < records;) {
    const auto message = client.receive();
    if (!message) return false;
    taken += dns::load_u16(&(*message)[6]);
  }
  return true;
}

TEST_F(Transfer, AZoneOf100000RecordsIsSentQuicklyAndSlowReadersCostNoMemory) {
  constexpr unsigned kHosts = 100'000;
  constexpr std::size_t kRecords = kHosts + 21 + 1;  // The SOA twice.
  start(zone_text(1, hosts(kHosts)));

  // Once before, so that buffers that are kept have their size.
  support::TcpClient warm(daemon_->address());
  ASSERT_TRUE(warm.send(axfr()));
  ASSERT_TRUE(take_zone(warm, kRecords));
  const long before_kb = daemon_->process().resident_kb();

  std::list<support::TcpClient> slow;
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(slow.emplace_back(daemon_->address()).send(axfr()));
    ASSERT_TRUE(slow.back().receive());
  }
  EXPECT_EQ(daemon_->ask("mail.static.test", dns::type::kA).rcode, "NOERROR");

  const auto begin = std::chrono::steady_clock::now();
  support::TcpClient quick(daemon_->address());
  ASSERT_TRUE(quick.send(axfr()));
  ASSERT_TRUE(take_zone(quick, kRecords));
  const auto took =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
  const long grown_kb = daemon_->process().resident_kb() - before_kb;
  std::printf("%zu records in %ld ms; nine clients that do not read cost %ld kB\n", kRecords,
              static_cast<long>(took.count()), grown_kb);
  EXPECT_LT(took, std::chrono::seconds(is_sanitized() ? 30 : 3));
  EXPECT_LT(grown_kb, is_sanitized() ? 100'000 : 2000);
}

}  // namespace
}  // namespace gslb::blackbox
