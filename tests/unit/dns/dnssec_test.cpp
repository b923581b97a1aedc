// What a signed zone answers, judged by what ldns and RFC 4035 §5 make of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>

#include "dns/answer.h"
#include "dns/wire.h"
#include "tests/support/dnssec_check.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "zones/dnssec_key.h"
#include "zones/master_file.h"

namespace gslb::dns {
namespace {

using base::EndpointStatus;
using routing::Method;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using zones::DnssecKey;
using zones::KeyAlgorithm;

using Bytes = std::vector<std::uint8_t>;

constexpr const char* kApex = "static.test";
constexpr std::chrono::sys_seconds kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24};

std::shared_ptr<const DnssecKey> make_key(KeyAlgorithm algorithm, bool is_sep) {
  zones::KeyTiming timing;
  timing.publish = timing.activate = kNow - std::chrono::hours{24};
  if (is_sep) timing.sync_publish = timing.activate;
  const auto key = DnssecKey::make(support::name(kApex), is_sep ? 257 : 256, algorithm,
                                   zones::make_private_key(algorithm), timing);
  EXPECT_TRUE(key) << key.error();
  return *key;
}

using Keys = std::vector<std::shared_ptr<const DnssecKey>>;

struct KeySetCase {
  const char* name;
  Keys (*make)();
};

const KeySetCase kKeySets[] = {
    {"Csk", [] { return Keys{make_key(KeyAlgorithm::kEcdsaP256Sha256, true)}; }},
    {"KskAndZsk",
     [] {
       return Keys{make_key(KeyAlgorithm::kEd25519, true), make_key(KeyAlgorithm::kEd25519, false)};
     }},
    {"TwoAlgorithms", [] {
       return Keys{make_key(KeyAlgorithm::kEcdsaP256Sha256, true),
                   make_key(KeyAlgorithm::kEcdsaP256Sha256, false),
                   make_key(KeyAlgorithm::kEd25519, true)};
     }}};

class DnssecTest : public testing::TestWithParam<KeySetCase> {
 protected:
  DnssecTest() : keys_(GetParam().make()) {
    zones::ZoneSpec& zone = maker_.zone();
    zone.apex = support::name(kApex);
    zone.nameservers = {{support::name("ns1.static.test"), {support::ip("192.0.2.53")}},
                        {support::name("ns.outside.example"), {}}};
    zone.file = std::make_shared<zones::MasterFile>(zones::read_master_file(
        std::filesystem::path(GSLB_SOURCE_DIR) / "tests/conformance/answers/static.test.zone",
        zone.apex, std::chrono::seconds{3600}));
    EXPECT_THAT(zone.file->errors, IsEmpty());
    zone.signing = zones::SigningSpec{keys_, std::chrono::hours{24}};
    maker_.signing_time().now = kNow;

    london_ = maker_.endpoint("london", {"203.0.113.10"});
    paris_ = maker_.endpoint("paris", {"203.0.113.20", "2001:db8:2::10"});
    const auto four = maker_.endpoint("four", {"203.0.113.40", "203.0.113.41"});
    maker_.profile("vpn.profile.static.test", Method::kPriority, {{london_, 1, 1}, {paris_, 1, 2}});
    maker_.profile("shared.static.test", Method::kWeighted, {{london_, 7, 1}, {paris_, 3, 1}});
    maker_.profile("four.static.test", Method::kWeighted, {{four, 1, 1}});
    maker_.profile("*.star.static.test", Method::kWeighted, {{london_, 1, 1}});
    maker_.profile("disabled.static.test", Method::kPriority, {{london_, 1, 1}}).enabled = false;
    maker_.profile("fails.static.test", Method::kPriority, {{paris_, 1, 1}}).when_all_down =
        routing::AllDown::kServFail;
    maker_.profile("empties.static.test", Method::kPriority, {{paris_, 1, 1}}).when_all_down =
        routing::AllDown::kNoData;
    snapshot_ = maker_.snapshot();
  }

  Bytes ask(const std::string& name, std::uint16_t type, bool dnssec_ok = true) {
    Bytes query = support::make_query(name, type, 4096);
    if (dnssec_ok) query = support::with_dnssec_ok(std::move(query));
    Bytes out(kMaxMessageSize);
    out.resize(
        answer(*snapshot_, {support::ip("192.0.2.1"), Transport::kTcp}, query, out, scratch_));
    return out;
  }

  support::Message read(const std::string& name, std::uint16_t type, bool dnssec_ok = true) {
    const auto message = support::parse_message(ask(name, type, dnssec_ok));
    EXPECT_TRUE(message);
    return message.value_or(support::Message{});
  }

  std::vector<std::string> faults(const std::string& name, std::uint16_t type) {
    std::vector<Bytes> dnskeys;
    for (const auto& key : keys_) dnskeys.push_back(key->dnskey());
    return support::find_dnssec_faults(ask(name, type), kApex, dnskeys, maker_.signing_time().now);
  }

  Keys keys_;
  support::SnapshotMaker maker_;
  routing::EndpointId london_ = 0, paris_ = 0;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  Scratch scratch_{42};
};

constexpr std::uint16_t kTypes[] = {
    type::kA,   type::kAaaa,   type::kNs,      type::kSoa, type::kCname, type::kMx,
    type::kTxt, type::kDname,  type::kDs,      65,         type::kNsec,  type::kRrsig,
    type::kAny, type::kDnskey, type::kCdnskey, type::kCds, 65280,        type::kSrv};

/// Names that exist in every way, and names beside, above and below them.
constexpr const char* kNames[] = {"static.test",
                                  "ns1.static.test",
                                  "mail.static.test",
                                  "host.static.test",
                                  "below.static.test",
                                  "ent.below.static.test",
                                  "x.below.static.test",
                                  "svc.static.test",
                                  "www.static.test",
                                  "vpn.static.test",
                                  "chain1.static.test",
                                  "dead.static.test",
                                  "away.static.test",
                                  "into.static.test",
                                  "cut.static.test",
                                  "wild.static.test",
                                  "any.wild.static.test",
                                  "a.b.wild.static.test",
                                  "*.wild.static.test",
                                  "exact.wild.static.test",
                                  "below.exact.wild.static.test",
                                  "c1.alias.static.test",
                                  "*.alias.static.test",
                                  "x.plain.static.test",
                                  "child.static.test",
                                  "www.child.static.test",
                                  "ns.child.static.test",
                                  "wide.static.test",
                                  "a.wide.static.test",
                                  "ns.wide.static.test",
                                  "old.static.test",
                                  "a.old.static.test",
                                  "profile.static.test",
                                  "vpn.profile.static.test",
                                  "a.vpn.profile.static.test",
                                  "shared.static.test",
                                  "four.static.test",
                                  "star.static.test",
                                  "any.star.static.test",
                                  "*.star.static.test",
                                  "disabled.static.test",
                                  "fails.static.test",
                                  "empties.static.test",
                                  "nothing.static.test",
                                  "a.b.c.nothing.static.test",
                                  "0.static.test",
                                  "zzz.static.test",
                                  "\\000.static.test",
                                  "\\255.static.test",
                                  "esc\\.aped.static.test",
                                  "HOST.Static.Test",
                                  "d.wild-to-wild.static.test",
                                  "e.to-missing.static.test",
                                  "f.to-nodata.static.test",
                                  "g.to-ent.static.test"};

TEST_P(DnssecTest, EveryAnswerValidatesInEveryStateOfHealth) {
  constexpr EndpointStatus kStates[] = {EndpointStatus::kOnline, EndpointStatus::kDegraded};
  std::size_t checked = 0;
  for (const EndpointStatus london : kStates) {
    for (const EndpointStatus paris : kStates) {
      maker_.set_status(london_, london);
      maker_.set_status(paris_, paris);
      snapshot_ = maker_.snapshot();
      for (const char* name : kNames) {
        for (const std::uint16_t type : kTypes) {
          ASSERT_THAT(faults(name, type), IsEmpty())
              << name << " " << type << " london " << base::to_string(london) << " paris "
              << base::to_string(paris);
          ++checked;
        }
      }
    }
  }
  EXPECT_EQ(checked, 4 * std::size(kNames) * std::size(kTypes));
}

TEST_P(DnssecTest, EveryAnswerToRandomNamesValidates) {
  std::mt19937 rng(7);
  const char* labels[] = {"a",    "wild",       "*",     "alias", "plain", "child",
                          "old",  "profile",    "vpn",   "zz",    "ent",   "below",
                          "star", "to-missing", "\\000", "HOST",  "-"};
  for (int i = 0; i < 1000; ++i) {
    std::string name = kApex;
    for (auto count = 1 + rng() % 4; count > 0; --count) {
      name = std::string(labels[rng() % std::size(labels)]) + "." + name;
    }
    const std::uint16_t type = kTypes[rng() % std::size(kTypes)];
    ASSERT_THAT(faults(name, type), IsEmpty()) << name << " " << type;
  }
}

std::size_t count_of(const std::vector<std::string>& records, const std::string& part) {
  return static_cast<std::size_t>(std::count_if(
      records.begin(), records.end(),
      [&](const std::string& record) { return record.find(part) != std::string::npos; }));
}

/// Without this the tests above would prove nothing.
TEST_P(DnssecTest, TheCheckFindsWhatIsMissing) {
  const auto faults_of = [&](Bytes response) {
    std::vector<Bytes> dnskeys;
    for (const auto& key : keys_) dnskeys.push_back(key->dnskey());
    return support::find_dnssec_faults(response, kApex, dnskeys, kNow);
  };
  const auto without_authority = [](Bytes response) {
    response[8] = response[9] = 0;
    // ldns takes no records that the header does not count, so they go, and OPT with them.
    response[10] = response[11] = 0;
    return response;
  };
  EXPECT_THAT(faults_of(without_authority(ask("any.wild.static.test", type::kA))), Not(IsEmpty()));
  EXPECT_THAT(faults_of(without_authority(ask("nothing.static.test", type::kA))), Not(IsEmpty()));

  Bytes changed = ask("host.static.test", type::kA);
  constexpr std::array<std::uint8_t, 4> kAddress = {192, 0, 2, 80};
  const auto address =
      std::search(changed.begin(), changed.end(), kAddress.begin(), kAddress.end());
  ASSERT_NE(address, changed.end());
  ++*address;
  EXPECT_THAT(faults_of(changed), Contains(HasSubstr("host.static.test. A")));

  Bytes renamed = ask("nothing.static.test", type::kA);  // Evidence about another name.
  renamed[kHeaderSize + 1] = 'a';
  EXPECT_THAT(faults_of(renamed), Contains(HasSubstr("not proved")));

  maker_.signing_time().now = kNow + std::chrono::hours{25};
  EXPECT_THAT(faults("host.static.test", type::kA), Not(IsEmpty()));
}

TEST_P(DnssecTest, WithoutDoThereAreNoSignatures) {
  for (const char* name : kNames) {
    for (const std::uint16_t type : {type::kA, type::kAaaa, type::kTxt, type::kNs, type::kDs}) {
      const support::Message message = read(name, type, false);
      EXPECT_EQ(count_of(message.answer, "RRSIG") + count_of(message.authority, "RRSIG") +
                    count_of(message.authority, "NSEC"),
                0U)
          << name;
    }
  }
}

TEST_P(DnssecTest, DnssecTypesAreAnsweredToWhoAsksForThem) {
  EXPECT_EQ(read(kApex, type::kDnskey, false).answer.size(), keys_.size());
  EXPECT_THAT(read("host.static.test", type::kNsec, false).answer,
              ElementsAre("host.static.test. 120 IN NSEC into.static.test. A RRSIG NSEC"));
  EXPECT_GE(count_of(read("host.static.test", type::kRrsig, false).answer, "RRSIG A "), 1U);
  // One RRset that there is (RFC 8482 §4.1), where others answer a HINFO that there is not.
  EXPECT_EQ(count_of(read("host.static.test", type::kAny).answer, "HINFO"), 0U);
  EXPECT_EQ(count_of(read("host.static.test", type::kAny).answer, " IN A "), 2U);
}

TEST_P(DnssecTest, CdsAndCdnskeyShowTheKeysThatTheParentShouldKnow) {
  const std::size_t seps = static_cast<std::size_t>(
      std::count_if(keys_.begin(), keys_.end(), [](const auto& key) { return key->is_sep(); }));
  EXPECT_EQ(read(kApex, type::kCds, false).answer.size(), seps);
  EXPECT_EQ(read(kApex, type::kCdnskey, false).answer.size(), seps);
}

TEST_P(DnssecTest, NodataDeniesTheTypeAndNothingThatMayBeAnsweredSoon) {
  const std::string nsec = "vpn.profile.static.test. 120 IN NSEC ";
  const auto types_in = [&](std::uint16_t type) {
    for (const std::string& record : read("vpn.profile.static.test", type).authority) {
      if (record.rfind(nsec, 0) == 0) return record.substr(record.find(' ', nsec.size()) + 1);
    }
    return std::string("no NSEC");
  };
  EXPECT_EQ(types_in(type::kTxt), "A AAAA RRSIG NSEC");

  maker_.set_status(london_, EndpointStatus::kDegraded);
  maker_.set_status(paris_, EndpointStatus::kDegraded);
  snapshot_ = maker_.snapshot();
  EXPECT_EQ(types_in(type::kTxt), "A AAAA RRSIG NSEC");
  const support::Message empty = read("empties.static.test", type::kAaaa);
  EXPECT_THAT(empty.authority,
              Contains("empties.static.test. 120 IN NSEC esc\\.aped.static.test. A RRSIG NSEC"));
  // No endpoint of this one has an IPv6 address.
  EXPECT_THAT(read("four.static.test", type::kAaaa).authority,
              Contains(HasSubstr("four.static.test. 120 IN NSEC host.static.test. A RRSIG NSEC")));
}

TEST_P(DnssecTest, ALoweredTtlNeedsNoNewSignature) {
  const std::size_t signatures = maker_.signing_time().cache->size();
  maker_.set_degraded_in(london_, std::chrono::seconds{7});
  snapshot_ = maker_.snapshot();
  EXPECT_THAT(faults("vpn.profile.static.test", type::kA), IsEmpty());
  const support::Message message = read("vpn.profile.static.test", type::kA);
  EXPECT_EQ(count_of(message.answer, "vpn.profile.static.test. 7 IN A 203.0.113.10"), 1U);
  EXPECT_GE(count_of(message.answer, "7 IN RRSIG A"), 1U);
  EXPECT_EQ(maker_.signing_time().cache->size(), signatures);
}

TEST_P(DnssecTest, AnAnswerThatDoesNotFitIsTruncatedWhole) {
  const Bytes query =
      support::with_dnssec_ok(support::make_query("nothing.static.test", type::kA, 512));
  for (std::size_t room = kPlainUdpSize; room < 1300; room += 50) {
    Bytes out(room);
    out.resize(
        answer(*snapshot_, {support::ip("192.0.2.1"), Transport::kTcp}, query, out, scratch_));
    const auto message = support::parse_message(out);
    ASSERT_TRUE(message);
    if (message->tc) {
      EXPECT_THAT(message->authority, IsEmpty());
    } else {
      EXPECT_GE(count_of(message->authority, "RRSIG"), 3U);
    }
  }
}

TEST_P(DnssecTest, DsOfAHostedChildIsTheParentsToAnswer) {
  zones::ZoneSpec child = support::example_zone();
  child.apex = support::name("child.static.test");
  child.nameservers = {{support::name("ns.child.static.test"), {support::ip("198.51.100.53")}}};
  maker_.add_zone(child);
  snapshot_ = maker_.snapshot();
  EXPECT_THAT(faults("child.static.test", type::kDs), IsEmpty());
  EXPECT_EQ(count_of(read("child.static.test", type::kDs).answer, "IN DS 12345"), 1U);
  EXPECT_EQ(count_of(read("child.static.test", type::kSoa).answer, "IN SOA"), 1U);
}

INSTANTIATE_TEST_SUITE_P(KeySets, DnssecTest, testing::ValuesIn(kKeySets),
                         [](const auto& set) { return set.param.name; });

}  // namespace
}  // namespace gslb::dns
