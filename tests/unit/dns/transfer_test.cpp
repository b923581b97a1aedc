#include "dns/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dns/answer.h"
#include "dns/wire.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/tsig.h"
#include "zones/master_file.h"

namespace gslb::dns {
namespace {

using support::make_query;
using support::Message;
using support::name;
using support::SignedMessage;
using support::TsigSecret;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint32_t kNow = 1'700'000'000;
constexpr const char* kApex = "gslb.example.com";

/// Zones gslb.example.com (small, serial 7) and large.test (of many messages) to be transferred
/// with the key transfer.example.com from 192.0.2.0/24, and other.test, which is not.
class TransferQuery : public testing::Test {
 protected:
  TransferQuery() {
    const zones::TransferSpec transfer{{{support::ip("192.0.2.0"), 24}}, name(key_.name)};
    maker_.zone().transfer = transfer;
    zones::ZoneSpec large = support::example_zone();
    large.apex = name("large.test");
    large.nameservers = {{name("ns.example.net"), {}}};
    auto file = std::make_shared<zones::MasterFile>();
    for (std::uint32_t i = 0; i < kLargeRecords; ++i) {
      file->records.push_back({name("host" + std::to_string(i) + ".large.test"), type::kA,
                               std::chrono::seconds(60), Bytes{10, 0, 0, 1}, 0, i + 1});
    }
    large.file = file;
    large.transfer = transfer;
    maker_.add_zone(large);
    zones::ZoneSpec other = large;
    other.apex = name("other.test");
    other.file = nullptr;
    other.transfer.reset();
    maker_.add_zone(other);
    maker_.clients().tsig_keys = support::make_keys(key_);
    scratch_.now_s = kNow;
  }

  const zones::Snapshot& snapshot() {
    if (!snapshot_) snapshot_ = maker_.snapshot();
    return *snapshot_;
  }

  Bytes ask(const Bytes& query) {
    out_.assign(kMaxMessageSize, 0xAA);
    const std::size_t size = answer(snapshot(), client_, query, out_, scratch_);
    return {out_.begin(), out_.begin() + static_cast<long>(size)};
  }

  /// Signs the query, and checks that the response is signed in turn.
  Message ask_signed(const Bytes& query) {
    const SignedMessage asked = support::sign_parts(query, key_, kNow);
    const Bytes response = ask(support::join(asked));
    const auto parts = support::split(response);
    EXPECT_TRUE(parts) << "the response is not signed";
    if (!parts) return {};
    EXPECT_EQ(parts->error, tsig_error::kNone);
    EXPECT_EQ(parts->mac, support::mac_of(*parts, key_, asked.mac));
    last_mac_ = parts->mac;
    return read(parts->message);
  }

  static Message read(const Bytes& response) {
    const auto message = support::parse_message(response);
    EXPECT_TRUE(message);
    return message.value_or(Message{});
  }

  /// IXFR with the client's SOA, whose names are the root.
  static Bytes ixfr(std::uint32_t serial, const std::string& apex = kApex) {
    Bytes query = make_query(apex, type::kIxfr);
    query[9] = 1;
    for (const int octet : {0xC0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0}) {
      query.push_back(static_cast<std::uint8_t>(octet));
    }
    query.resize(query.size() + 20);
    store_u32(&query[query.size() - 20], serial);
    return query;
  }

  static constexpr std::uint32_t kLargeRecords = 1500;
  TsigSecret key_;
  support::SnapshotMaker maker_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  Client client_{support::ip("192.0.2.7"), Transport::kTcp};
  Scratch scratch_{1};
  Bytes out_;
  Bytes last_mac_;
};

TEST_F(TransferQuery, TheWholeZoneForWhoSignsFromAnAllowedAddress) {
  const Message message = ask_signed(make_query(kApex, type::kAxfr));
  EXPECT_EQ(message.rcode, "NOERROR");
  EXPECT_TRUE(message.aa);
  ASSERT_THAT(message.answer, SizeIs(7));
  EXPECT_EQ(message.answer.front(), message.answer.back());
  EXPECT_THAT(message.answer.front(), testing::HasSubstr(" SOA "));
  EXPECT_FALSE(scratch_.transfer) << "a zone that fits one message";
}

TEST_F(TransferQuery, EdnsIsAnsweredInTheFirstMessage) {
  const Message message = ask_signed(make_query(kApex, type::kAxfr, 1232));
  EXPECT_TRUE(message.has_edns);
  EXPECT_THAT(message.answer, SizeIs(7));
}

TEST_F(TransferQuery, NobodyElseGetsAnything) {
  const auto refused = [&](const char* what, const Message& message) {
    EXPECT_EQ(message.rcode, "REFUSED") << what;
    EXPECT_THAT(message.answer, IsEmpty()) << what;
    return message;
  };
  const Bytes prohibited = {0, 15, 0, 2, 0, 18};  // RFC 8914
  const Bytes query = make_query(kApex, type::kAxfr, 1232);
  EXPECT_EQ(refused("unsigned", read(ask(query))).edns_options, prohibited);
  EXPECT_EQ(refused("a zone without allow_transfer",
                    ask_signed(make_query("other.test", type::kAxfr, 1232)))
                .edns_options,
            prohibited);
  client_.address = support::ip("192.0.3.7");
  EXPECT_EQ(refused("another address", ask_signed(query)).edns_options, prohibited);
  client_.address = support::ip("192.0.2.7");
  client_.transport = Transport::kUdp;
  refused("unsigned over UDP", read(ask(query)));
}

TEST_F(TransferQuery, AnotherKeyOfTheServerIsNotEnough) {
  const TsigSecret other{"other.example.com", "hmac-sha256", Bytes(32, 7)};
  maker_.clients().tsig_keys = support::make_keys(other);
  key_ = other;
  EXPECT_EQ(ask_signed(make_query(kApex, type::kAxfr)).rcode, "REFUSED");
}

TEST_F(TransferQuery, ANameThatIsNoApexIsNotAuth) {
  EXPECT_EQ(ask_signed(make_query("ns1.gslb.example.com", type::kAxfr)).rcode, "NOTAUTH");
  EXPECT_EQ(ask_signed(make_query("elsewhere.test", type::kAxfr)).rcode, "NOTAUTH");
  EXPECT_EQ(scratch_.counters.notauth.value(), 2U);
}

TEST_F(TransferQuery, OverUdpThereIsTheSoaAlone) {
  client_.transport = Transport::kUdp;
  EXPECT_EQ(ask_signed(make_query(kApex, type::kAxfr)).rcode, "FORMERR");
  EXPECT_THAT(ask_signed(ixfr(1)).answer, SizeIs(1));
  EXPECT_THAT(ask_signed(ixfr(7)).answer, SizeIs(1));
}

TEST_F(TransferQuery, IxfrGivesTheWholeZoneToWhoHasAnOlderOne) {
  constexpr std::uint32_t kOurs = 7;
  const struct {
    std::uint32_t serial;
    std::size_t records;
  } cases[] = {
      {kOurs, 1}, {kOurs - 1, 7},           {kOurs + 1, 1},           {kOurs - 0x7FFF'FFFF, 7},
      {0, 7},     {kOurs + 0x7FFF'FFFF, 1}, {kOurs + 0x8000'0000, 1}, {kOurs + 0x8000'0001, 7}};
  for (const auto& c : cases) {
    EXPECT_THAT(ask_signed(ixfr(c.serial)).answer, SizeIs(c.records)) << c.serial;
  }
}

TEST_F(TransferQuery, IxfrWithoutTheSoaOfTheClientIsMalformed) {
  EXPECT_EQ(ask_signed(make_query(kApex, type::kIxfr)).rcode, "FORMERR");
  Bytes in_answer = ixfr(1);
  std::swap(in_answer[7], in_answer[9]);
  EXPECT_EQ(ask_signed(in_answer).rcode, "FORMERR");
}

TEST_F(TransferQuery, ALargeZoneContinuesInFurtherMessages) {
  const Message first = ask_signed(make_query("LARGE.test", type::kAxfr, 1232, 0xBEEF));
  std::vector<std::string> records = first.answer;
  ASSERT_TRUE(scratch_.transfer);
  TransferStream stream = *std::move(scratch_.transfer);
  // The snapshot may go meanwhile.
  snapshot_ = nullptr;
  maker_ = support::SnapshotMaker();
  for (std::uint64_t now = kNow + 1; !stream.is_done(); ++now) {
    const std::size_t size = stream.write_next(out_, now);
    const auto parts = support::split(std::span(out_).first(size));
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->mac, support::mac_of(*parts, key_, last_mac_, false));
    EXPECT_EQ(parts->time_signed, now);
    last_mac_ = parts->mac;
    EXPECT_EQ(load_u16(&out_[0]), 0xBEEF);
    EXPECT_EQ(out_[kHeaderSize + 1], 'L') << "the question is the client's";
    const Message message = read(parts->message);
    EXPECT_TRUE(message.aa);
    EXPECT_FALSE(message.has_edns);
    records.insert(records.end(), message.answer.begin(), message.answer.end());
  }
  EXPECT_EQ(records.size(), kLargeRecords + 3);  // NS, and SOA twice.
  EXPECT_EQ(records.front(), records.back());
}

TEST_F(TransferQuery, WhereNoneMayBeginOneMessageIsStillSent) {
  scratch_.can_transfer = false;
  EXPECT_EQ(ask_signed(make_query("large.test", type::kAxfr)).rcode, "SERVFAIL");
  EXPECT_FALSE(scratch_.transfer);
  EXPECT_EQ(ask_signed(make_query(kApex, type::kAxfr)).rcode, "NOERROR");
}

TEST_F(TransferQuery, OrdinaryQueriesAreSignedToo) {
  client_.transport = Transport::kUdp;
  EXPECT_THAT(ask_signed(make_query(kApex, type::kSoa)).answer, SizeIs(1));
  EXPECT_EQ(ask_signed(make_query("x.gslb.example.com", type::kA)).rcode, "NXDOMAIN");
  EXPECT_EQ(ask_signed(make_query("elsewhere.test", type::kA, 1232)).rcode, "REFUSED");
}

TEST_F(TransferQuery, ABadSignatureIsNotAuthWithTheReason) {
  const TsigSecret wrong{key_.name, key_.algorithm, Bytes(32, 1)};
  const Bytes response = ask(support::sign(make_query(kApex, type::kSoa), wrong, kNow));
  const auto parts = support::split(response);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->error, tsig_error::kBadSig);
  EXPECT_THAT(parts->mac, IsEmpty());
  const Message message = read(parts->message);
  EXPECT_EQ(message.rcode, "NOTAUTH");
  EXPECT_THAT(message.answer, IsEmpty());
}

TEST_F(TransferQuery, TsigThatIsNotTheLastRecordIsMalformed) {
  Bytes query = support::sign(make_query(kApex, type::kSoa), key_, kNow);
  query[11] = 2;
  for (const int octet : {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0}) {
    query.push_back(static_cast<std::uint8_t>(octet));
  }
  EXPECT_EQ(read(ask(query)).rcode, "FORMERR");
  Bytes in_answer = support::sign(make_query(kApex, type::kSoa), key_, kNow);
  std::swap(in_answer[7], in_answer[11]);
  EXPECT_EQ(read(ask(in_answer)).rcode, "FORMERR");
  Bytes twice = support::sign(make_query(kApex, type::kSoa), key_, kNow);
  twice = support::sign(twice, key_, kNow);
  EXPECT_EQ(read(ask(twice)).rcode, "FORMERR");
}

TEST_F(TransferQuery, WithoutKeysTsigIsIgnored) {
  maker_.clients().tsig_keys = nullptr;
  const Bytes response = ask(support::sign(make_query(kApex, type::kSoa), key_, kNow));
  EXPECT_FALSE(support::split(response));
  EXPECT_EQ(read(response).rcode, "NOERROR");
  EXPECT_EQ(read(ask(support::sign(make_query(kApex, type::kAxfr), key_, kNow))).rcode, "REFUSED");
}

TEST_F(TransferQuery, RoomForTsigIsSetAside) {
  // 512 octets less the header, the question and the TSIG record, by 16 for each address.
  constexpr std::size_t kFitting = (kPlainUdpSize - kHeaderSize - 26 - 93) / 16;
  for (const std::size_t addresses : {std::size_t{1}, kFitting, kFitting + 1, std::size_t{29}}) {
    maker_ = support::SnapshotMaker();
    maker_.clients().tsig_keys = support::make_keys(key_);
    std::vector<std::string> all;
    for (std::size_t i = 1; i <= addresses; ++i) all.push_back("203.0.113." + std::to_string(i));
    maker_.profile("vpn.gslb.example.com", routing::Method::kPriority,
                   {{maker_.endpoint("fat", all), 1, 1}});
    snapshot_ = nullptr;
    client_.transport = Transport::kUdp;
    const Message message = ask_signed(make_query("vpn.gslb.example.com", type::kA));
    SCOPED_TRACE(addresses);
    EXPECT_EQ(message.tc, addresses > kFitting);
    EXPECT_THAT(message.answer, SizeIs(message.tc ? 0 : addresses));
  }
}

TEST_F(TransferQuery, ResponsesKeepToTheirSizeOverUdp) {
  client_.transport = Transport::kUdp;
  const std::string label(60, 'l');
  const std::string long_name = label + "." + label + "." + label + "." + label;
  SignedMessage asked = support::sign_parts(make_query(long_name, type::kA), key_, kNow);
  asked.key = long_name;
  Bytes response = ask(support::join(asked));
  EXPECT_THAT(response, SizeIs(kHeaderSize));
  Message message = read(response);
  EXPECT_TRUE(message.tc);
  client_.transport = Transport::kTcp;
  response = ask(support::join(asked));
  EXPECT_EQ(support::split(response)->error, tsig_error::kBadKey);
}

TEST_F(TransferQuery, AnswersWithoutAllocating) {
  const Bytes query = make_query("ns1.gslb.example.com", type::kA, 1232);
  const Bytes signed_query = support::sign(query, key_, kNow);
  ask(query);
  out_.assign(kMaxMessageSize, 0);
  const std::uint64_t before = support::allocation_count();
  answer(snapshot(), client_, query, out_, scratch_);
  answer(snapshot(), client_, signed_query, out_, scratch_);
  EXPECT_EQ(support::allocation_count(), before);
}

}  // namespace
}  // namespace gslb::dns
