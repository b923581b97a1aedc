// A signed zone before those who validate it: unbound and delv.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "dns/wire.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/vpn_site.h"
#include "zones/dnssec_key_file.h"
#include "zones/dnssec_key_text.h"

namespace gslb::blackbox {
namespace {

using support::Message;
using support::SiteBehaviour;
using support::VpnSite;
using testing::HasSubstr;
using testing::Not;
using zones::KeyAlgorithm;

namespace type = dns::type;

constexpr const char* kApex = "gslb.example.com";

/// A folder with keys, a master file, and what a configuration says of them.
class SignedZone {
 public:
  explicit SignedZone(KeyAlgorithm algorithm = KeyAlgorithm::kEcdsaP256Sha256) {
    std::filesystem::create_directory(keys());
    key_ = add_key(algorithm, true);
    support::write_file(folder_.path() / "zone",
                        "$TTL 300\n"
                        "www     CNAME weighted\n"
                        "*.wild  A     192.0.2.1\n"
                        "*.alias CNAME priority\n"
                        "a.ent   TXT   \"below an empty name\"\n"
                        "lab     NS    ns1.lab\n"
                        "ns1.lab A     127.0.0.1\n");
  }

  std::shared_ptr<const zones::DnssecKey> add_key(KeyAlgorithm algorithm, bool is_sep) {
    zones::KeyTiming timing;
    timing.publish = timing.activate = std::chrono::floor<std::chrono::seconds>(
        std::chrono::system_clock::now() - std::chrono::minutes{1});
    if (is_sep) timing.sync_publish = timing.activate;
    const auto key = zones::generate_key(keys(), support::name(kApex), algorithm, is_sep, timing);
    EXPECT_TRUE(key) << key.error();
    return *key;
  }

  std::string config(const std::string& validity = "336h") const {
    return "[zone.\"gslb.example.com\"]\n"
           "nameservers = { \"ns1.gslb.example.com\" = [\"127.0.0.1\"] }\n"
           "file = \"" +
           (folder_.path() / "zone").string() +
           "\"\n"
           "dnssec = { key_dir = \"" +
           keys().string() + "\", signature_validity = \"" + validity + "\" }\n";
  }

  /// "257 3 13 …", as in a DNSKEY record.
  std::string dnskey() const {
    const std::string record = zones::format_public_key(*key_);
    const std::size_t rdata = record.find(" DNSKEY ") + 8;
    return record.substr(rdata, record.find('\n', rdata) - rdata);
  }

  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  std::filesystem::path keys() const { return folder_.path() / "keys"; }

  support::TemporaryFolder folder_;
  std::shared_ptr<const zones::DnssecKey> key_;
};

/// A validating resolver that asks one gslbd, and trusts the given DNSKEY for the zone. With
/// `caches`, it keeps what it learns and concludes from NSEC records (RFC 8198).
class Unbound {
 public:
  Unbound(const std::string& server_port, const std::string& dnskey, bool caches = false) {
    // Somebody else may take a free port first.
    int attempts = 10;
    while (attempts-- > 0 && !start(support::free_port(), server_port, dnskey, caches)) continue;
    EXPECT_TRUE(client_) << process_->output();
  }

  Message ask(const std::string& name, std::uint16_t type) {
    const support::Bytes query = support::with_dnssec_ok(support::make_query(name, type, 4096));
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (const auto response = client_->ask(query)) {
        if (const auto message = support::parse_message(*response)) return *message;
      }
    }
    ADD_FAILURE() << "unbound does not answer " << name;
    return {};
  }

  std::string log() const { return process_->output(); }

 private:
  bool start(std::uint16_t port, const std::string& server_port, const std::string& dnskey,
             bool caches) {
    const std::string file = (folder_.path() / "unbound.conf").string();
    support::write_file(
        file,
        "server:\n interface: 127.0.0.1@" + std::to_string(port) +
            "\n outgoing-interface: 127.0.0.2\n do-daemonize: no\n use-syslog: no\n"
            " logfile: \"\"\n username: \"\"\n chroot: \"\"\n pidfile: \"\"\n num-threads: 1\n"
            " directory: \"" +
            folder_.path().string() +
            "\"\n"
            " do-not-query-localhost: no\n module-config: \"validator iterator\"\n"
            " val-log-level: 2\n trust-anchor: \"gslb.example.com. DNSKEY " +
            dnskey + "\"\n aggressive-nsec: yes\n" +
            (caches ? "" : " cache-max-ttl: 0\n cache-max-negative-ttl: 0\n") +
            "stub-zone:\n name: gslb.example.com\n stub-addr: 127.0.0.1@" + server_port +
            "\nremote-control:\n control-enable: no\n");
    process_.emplace(std::vector<std::string>{"unbound", "-d", "-c", file});
    if (!process_->wait_for_output("start of service")) return false;
    client_.emplace(base::SocketAddress{base::IpAddress::v4({127, 0, 0, 1}), port});
    return true;
  }

  support::TemporaryFolder folder_;
  std::optional<support::Process> process_;
  std::optional<support::UdpClient> client_;
};

struct Question {
  const char* name;
  std::uint16_t type;
  const char* rcode;
};

/// Everything that a zone can be asked, in every way that it can answer.
constexpr Question kQuestions[] = {
    {"weighted", type::kA, "NOERROR"},    {"weighted", type::kAaaa, "NOERROR"},
    {"weighted", type::kTxt, "NOERROR"},  {"priority", type::kA, "NOERROR"},
    {"priority", type::kAaaa, "NOERROR"}, {"empties", type::kA, "NOERROR"},
    {"empties", type::kAaaa, "NOERROR"},  {"london", type::kAaaa, "NOERROR"},
    {"www", type::kA, "NOERROR"},         {"www", type::kAaaa, "NOERROR"},
    {"www", type::kTxt, "NOERROR"},       {"a.wild", type::kA, "NOERROR"},
    {"a.b.wild", type::kA, "NOERROR"},    {"a.wild", type::kTxt, "NOERROR"},
    {"c1.alias", type::kA, "NOERROR"},    {"c1.alias", type::kMx, "NOERROR"},
    {"ent", type::kA, "NOERROR"},         {"a.ent", type::kTxt, "NOERROR"},
    {"nothing", type::kA, "NXDOMAIN"},    {"a.b.c", type::kTxt, "NXDOMAIN"},
    {"a.weighted", type::kA, "NXDOMAIN"}, {"zz", type::kAaaa, "NXDOMAIN"},
    {"lab", type::kDs, "NOERROR"},        {"ns1", type::kA, "NOERROR"},
    {"several", type::kA, "NOERROR"},     {"several", type::kAaaa, "NOERROR"},
    {"several", type::kTxt, "NOERROR"},   {"sticky", type::kA, "NOERROR"},
    {"anywhere", type::kA, "NOERROR"},    {"anywhere", type::kAaaa, "NOERROR"},
    {"elsewhere", type::kA, "NOERROR"},   {"elsewhere", type::kAaaa, "NOERROR"},
    {"byname", type::kA, "NOERROR"},      {"byname", type::kAaaa, "NOERROR"},
    {"byname", type::kTxt, "NOERROR"},    {"falls", type::kA, "NOERROR"},
    {"falls", type::kAaaa, "NOERROR"},    {"nearest", type::kA, "NOERROR"},
    {"nearest", type::kAaaa, "NOERROR"},
};

/// Profiles whose entries are not simply both sites: some by region, so that a client of nowhere
/// gets the rest of the world or nothing, and one whose answer is a CNAME.
constexpr const char* kByRegionOrName = R"(
[endpoint.byname]
target = "www.gslb.example.com"
[profile.anywhere]
name = "anywhere.gslb.example.com"
method = "geographic"
endpoints = [{ endpoint = "london", regions = ["GB"] }, { endpoint = "paris", regions = ["WORLD"] }]
[profile.elsewhere]
name = "elsewhere.gslb.example.com"
method = "geographic"
endpoints = [{ endpoint = "london", regions = ["GB"] }, { endpoint = "paris", regions = ["FR"] }]
[profile.byname]
name = "byname.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "byname" }]
)";

class DnssecTest : public testing::Test {
 protected:
  DnssecTest() : daemon_(zone_.config() + estate()) {}

  void SetUp() override {
    ASSERT_TRUE(wait_for_status("london", "CheckingEndpoint -> Online"));
    ASSERT_TRUE(wait_for_status("paris", "CheckingEndpoint -> Online"));
  }

  std::string estate() const {
    const auto monitor = [](const char* name, const VpnSite& site) {
      return std::string("[monitor.") + name +
             "]\npreset = \"sstp\"\nhost = \"vpn.example.com\"\n"
             "port = " +
             std::to_string(site.port()) +
             "\ninterval = \"1s\"\ntimeout = \"500ms\"\n"
             "tolerated_failures = 0\n";
    };
    return monitor("london", london_) + monitor("paris", paris_) +
           "[endpoint.london]\naddresses = [\"203.0.113.10\"]\nprobe_address = \"127.0.0.1\"\n"
           "location = \"GB\"\nmonitors = [\"london\"]\n"
           "[endpoint.paris]\naddresses = [\"203.0.113.20\", \"2001:db8::20\"]\n"
           "location = \"FR\"\nprobe_address = \"127.0.0.1\"\nmonitors = [\"paris\"]\n" +
           profile("weighted", "weighted", "", true) + profile("priority", "priority", "", true) +
           profile("empties", "priority", "when_all_down = \"nodata\"\n", false) +
           profile("fails", "priority", "when_all_down = \"servfail\"\n", false) +
           profile("falls", "priority",
                   "when_all_down = \"fallback\"\n"
                   "fallback = [\"203.0.113.99\", \"2001:db8::99\"]\n",
                   true) +
           profile("several", "multivalue", "", true) +
           profile("sticky", "weighted", "sticky = { ipv4_prefix = 24, ipv6_prefix = 56 }\n",
                   true) +
           profile("nearest", "performance", "", true) +
           "[profile.london]\nname = \"london.gslb.example.com\"\nmethod = \"priority\"\n"
           "[[profile.london.endpoints]]\nendpoint = \"london\"\n" +
           kByRegionOrName;
  }

  static std::string profile(const std::string& name, const std::string& method,
                             const std::string& keys, bool with_london) {
    const std::string entry = "[[profile." + name + ".endpoints]]\nendpoint = ";
    return "[profile." + name + "]\nname = \"" + name + ".gslb.example.com\"\nmethod = \"" +
           method + "\"\n" + keys + (with_london ? entry + "\"london\"\nweight = 3\n" : "") +
           entry + "\"paris\"\nweight = 1\n";
  }

  bool wait_for_status(const std::string& endpoint, const std::string& change) {
    return daemon_.process().wait_for_output("endpoint " + endpoint + ": " + change).has_value();
  }

  void expect_all_secure(Unbound& unbound) {
    for (const Question& question : kQuestions) {
      const std::string name = std::string(question.name) + "." + kApex;
      const Message message = unbound.ask(name, question.type);
      ASSERT_EQ(message.rcode, question.rcode) << name << " " << question.type << unbound.log();
      EXPECT_TRUE(message.ad) << name << " " << question.type << " is not secure";
    }
    for (const std::uint16_t type : {type::kSoa, type::kNs, type::kDnskey, type::kCds}) {
      EXPECT_TRUE(unbound.ask(kApex, type).ad) << "apex " << type;
    }
  }

  SignedZone zone_;
  VpnSite london_, paris_;
  Daemon daemon_;
};

TEST_F(DnssecTest, UnboundFindsEveryAnswerSecureInEveryStateOfHealth) {
  Unbound unbound(daemon_.port(), zone_.dnskey());
  expect_all_secure(unbound);
  const std::string fails = std::string("fails.") + kApex;
  EXPECT_TRUE(unbound.ask(fails, type::kA).ad);

  london_.set_behaviour(SiteBehaviour::kStatus404);
  ASSERT_TRUE(wait_for_status("london", "Online -> Degraded"));
  expect_all_secure(unbound);
  EXPECT_THAT(unbound.ask(std::string("priority.") + kApex, type::kA).answer,
              testing::Contains(HasSubstr("203.0.113.20")));

  paris_.set_behaviour(SiteBehaviour::kClosed);
  ASSERT_TRUE(wait_for_status("paris", "Online -> Degraded"));
  expect_all_secure(unbound);
  EXPECT_THAT(unbound.ask(std::string("empties.") + kApex, type::kA).answer, testing::IsEmpty());
  EXPECT_EQ(unbound.ask(fails, type::kA).rcode, "SERVFAIL");
  EXPECT_THAT(unbound.ask(std::string("falls.") + kApex, type::kAaaa).answer,
              testing::Contains(HasSubstr("2001:db8::99")));

  london_.set_behaviour(SiteBehaviour::kHealthy);
  paris_.set_behaviour(SiteBehaviour::kHealthy);
  ASSERT_TRUE(wait_for_status("london", "Degraded -> Online"));
  ASSERT_TRUE(wait_for_status("paris", "Degraded -> Online"));
  expect_all_secure(unbound);
}

TEST_F(DnssecTest, AResolverThatConcludesFromNsecMissesNothing) {
  Unbound unbound(daemon_.port(), zone_.dnskey(), true);
  for (int pass = 0; pass < 2; ++pass) expect_all_secure(unbound);
}

TEST_F(DnssecTest, UnboundRefusesTheZoneUnderAnotherKey) {
  Unbound unbound(daemon_.port(), SignedZone().dnskey());
  const Message message = unbound.ask(std::string("weighted.") + kApex, type::kA);
  EXPECT_EQ(message.rcode, "SERVFAIL");
}

/// Asks with delv, which validates by itself. Its output.
std::string delv(const Daemon& daemon, const SignedZone& zone, const std::string& name,
                 const std::string& type) {
  std::string key = zone.dnskey();
  const std::size_t start = key.rfind(' ') + 1;
  key = key.substr(0, start) + '"' + key.substr(start) + '"';
  const std::filesystem::path anchor = zone.path() / "anchor";
  support::write_file(anchor,
                      std::string("trust-anchors { ") + kApex + ". static-key " + key + "; };\n");
  return support::run({"delv", "@127.0.0.1", "-b", "127.0.0.2", "-p", daemon.port(), "-a",
                       anchor.string(), std::string("+root=") + kApex, name, type})
      .output;
}

TEST_F(DnssecTest, DelvValidatesEveryKindOfAnswer) {
  for (const auto& [name, type] : {std::pair("weighted", "A"),
                                   {"weighted", "AAAA"},
                                   {"weighted", "TXT"},
                                   {"london", "AAAA"},
                                   {"www", "A"},
                                   {"x.wild", "A"},
                                   {"x.wild", "TXT"},
                                   {"c1.alias", "A"},
                                   {"ent", "A"},
                                   {"nothing", "A"},
                                   {"several", "A"},
                                   {"elsewhere", "A"},
                                   {"byname", "A"},
                                   {"lab", "DS"}}) {
    EXPECT_THAT(delv(daemon_, zone_, std::string(name) + "." + kApex, type),
                HasSubstr("fully validated"))
        << name;
  }
}

TEST(Dnssec, Ed25519IsSignedAndValidated) {
  SignedZone zone(KeyAlgorithm::kEd25519);
  Daemon daemon(zone.config());
  EXPECT_THAT(delv(daemon, zone, "x.wild.gslb.example.com", "A"), HasSubstr("; fully validated"));
}

/// The RRSIG records of an answer.
std::string signatures(Daemon& daemon, const std::string& name, std::uint16_t type) {
  support::UdpClient client(daemon.address());
  const support::Bytes query = support::with_dnssec_ok(support::make_query(name, type, 4096));
  const auto response = client.ask(query);
  const auto message = response ? support::parse_message(*response) : std::nullopt;
  std::string result;
  for (const std::string& record : message ? message->answer : std::vector<std::string>()) {
    if (record.find("RRSIG") != std::string::npos) result += record + "\n";
  }
  return result;
}

template <class Condition>
bool wait_until(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{90};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return true;
}

TEST(Dnssec, SignaturesAreMadeAnewBeforeTheyEnd) {
  SignedZone zone;
  Daemon daemon(zone.config("1m"));
  const std::string name = "x.wild.gslb.example.com";
  const std::string first = signatures(daemon, name, type::kA);
  ASSERT_THAT(first, HasSubstr("RRSIG A 13"));
  ASSERT_TRUE(wait_until([&] { return signatures(daemon, name, type::kA) != first; }));
  EXPECT_THAT(daemon.log(), HasSubstr("signatures renewed"));
  EXPECT_THAT(delv(daemon, zone, name, "A"), HasSubstr("; fully validated"));
}

TEST(Dnssec, AKeyIsTakenIntoUseWhileTheZoneIsServed) {
  SignedZone zone;
  Daemon daemon(zone.config());
  const std::string name = "x.wild.gslb.example.com";
  const std::string by_csk = signatures(daemon, name, type::kA);
  const auto zsk = zone.add_key(KeyAlgorithm::kEcdsaP256Sha256, false);
  const std::string tag = " " + std::to_string(zsk->tag()) + " ";
  ASSERT_THAT(by_csk, Not(HasSubstr(tag)));
  ASSERT_TRUE(wait_until([&] {
    return signatures(daemon, name, type::kA).find(tag) != std::string::npos;
  })) << daemon.log();
  EXPECT_EQ(daemon.ask(kApex, type::kDnskey).answer.size(), 2U);
  EXPECT_THAT(delv(daemon, zone, name, "A"), HasSubstr("; fully validated"));
  EXPECT_THAT(delv(daemon, zone, "nothing.gslb.example.com", "A"), HasSubstr("fully validated"));
}

}  // namespace
}  // namespace gslb::blackbox
