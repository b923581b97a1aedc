#include "zones/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dns/wire.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "zones/master_file.h"

namespace gslb::zones {
namespace {

using support::ip;
using support::name;
using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

class TransferTest : public testing::Test {
 protected:
  void add(std::string_view owner, std::uint16_t type, Bytes rdata, int ttl = 300) {
    file_->records.push_back(
        {name(owner), type, std::chrono::seconds(ttl), std::move(rdata), 0, ++line_});
  }

  std::shared_ptr<const Zone> make() {
    spec_.file = file_;
    return make_zone(spec_, {}, 7, {});
  }

  /// Each message as a client reads it, with the question as it asked it.
  static std::vector<support::Message> read(const Zone& zone, std::string_view asked) {
    std::vector<support::Message> messages;
    for (const dns::Rendered& rendered : zone.transfer()->messages()) {
      Bytes bytes = support::make_query(asked, dns::type::kAxfr);
      dns::store_u16(&bytes[6], rendered.answer_count);
      bytes.insert(bytes.end(), rendered.records.begin(), rendered.records.end());
      EXPECT_EQ(rendered.required_size, rendered.records.size());
      EXPECT_TRUE(rendered.authoritative);
      const auto message = support::parse_message(bytes);
      EXPECT_TRUE(message);
      messages.push_back(message.value_or(support::Message{}));
    }
    return messages;
  }

  static std::vector<std::string> records(const Zone& zone,
                                          std::string_view asked = "gslb.example.com") {
    std::vector<std::string> all;
    for (const support::Message& message : read(zone, asked)) {
      all.insert(all.end(), message.answer.begin(), message.answer.end());
    }
    return all;
  }

  std::shared_ptr<MasterFile> file_ = std::make_shared<MasterFile>();
  ZoneSpec spec_ = [] {
    ZoneSpec spec = support::example_zone();
    spec.transfer = TransferSpec{{{ip("192.0.2.0"), 24}, {ip("2001:db8::1"), 128}}, name("key")};
    return spec;
  }();
  std::uint32_t line_ = 0;
};

const std::string kSoa =
    "gslb.example.com. 3600 IN SOA ns1.gslb.example.com. hostmaster.example.com. 7 3600 600 "
    "1209600 60";

TEST_F(TransferTest, AZoneWithoutAllowTransferHasNone) {
  spec_.transfer.reset();
  EXPECT_EQ(make()->transfer(), nullptr);
}

TEST_F(TransferTest, HoldsEveryRecordBetweenTwoSoas) {
  add("www.gslb.example.com", dns::type::kA, {192, 0, 2, 80});
  add("www.gslb.example.com", dns::type::kTxt, {2, 'h', 'i'}, 60);
  add("*.gslb.example.com", dns::type::kA, {192, 0, 2, 81});
  add("sub.gslb.example.com", dns::type::kNs, {2, 'n', 's', 3, 's', 'u', 'b', 0});
  add("glue.sub.gslb.example.com", dns::type::kA, {192, 0, 2, 82});
  EXPECT_THAT(records(*make()),
              ElementsAre(kSoa, "gslb.example.com. 3600 IN NS ns1.gslb.example.com.",
                          "gslb.example.com. 3600 IN NS ns2.gslb.example.com.",
                          "www.gslb.example.com. 300 IN A 192.0.2.80",
                          "www.gslb.example.com. 60 IN TXT \"hi\"",
                          "*.gslb.example.com. 300 IN A 192.0.2.81",
                          "sub.gslb.example.com. 300 IN NS ns.sub.",
                          "glue.sub.gslb.example.com. 300 IN A 192.0.2.82",
                          "ns1.gslb.example.com. 3600 IN A 192.0.2.53",
                          "ns1.gslb.example.com. 3600 IN AAAA 2001:db8::53",
                          "ns2.gslb.example.com. 3600 IN A 198.51.100.53", kSoa));
}

TEST_F(TransferTest, KeepsTheLetterCaseOfTheZoneWhateverTheClientAsks) {
  add("a.GSLB.example.com", dns::type::kA, {192, 0, 2, 80});
  add("B.gslb.example.com", dns::type::kA, {192, 0, 2, 81});
  add("c.gslb.Example.com", dns::type::kA, {192, 0, 2, 82});
  const std::vector<std::string> all = records(*make(), "gslb.eXample.COM");
  EXPECT_EQ(all.front(), kSoa);
  EXPECT_THAT(all, testing::IsSupersetOf({"a.GSLB.example.com. 300 IN A 192.0.2.80",
                                          "B.gslb.example.com. 300 IN A 192.0.2.81",
                                          "c.gslb.Example.com. 300 IN A 192.0.2.82"}));
}

TEST_F(TransferTest, CutsALargeZoneIntoMessagesOf16KiB) {
  std::vector<std::string> expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string owner = "host-" + std::to_string(i) + ".gslb.example.com";
    const auto octet = static_cast<std::uint8_t>(i % 250);
    add(owner, dns::type::kA, {10, 0, 0, octet});
    expected.push_back(owner + ". 300 IN A 10.0.0." + std::to_string(octet));
  }
  const auto zone = make();
  const auto messages = zone->transfer()->messages();
  EXPECT_GT(messages.size(), 5U);
  EXPECT_LT(messages.size(), 20U);
  for (const dns::Rendered& message : messages) {
    EXPECT_LE(message.records.size(), 16'384U - kTransferOverhead);
  }
  std::vector<std::string> all = records(*zone);
  EXPECT_EQ(all.front(), kSoa);
  EXPECT_EQ(all.back(), kSoa);
  std::erase_if(all, [](const std::string& record) { return !record.starts_with("host-"); });
  std::sort(all.begin(), all.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(all, expected);
}

TEST_F(TransferTest, ARecordLargerThanAMessageHasOneOfItsOwn) {
  Bytes text;
  for (int i = 0; i < 200; ++i) {
    text.push_back(255);
    text.insert(text.end(), 255, 'x');
  }
  add("fat.gslb.example.com", dns::type::kTxt, text);
  add("after.gslb.example.com", dns::type::kA, {192, 0, 2, 80});
  const auto zone = make();
  ASSERT_EQ(zone->transfer()->messages().size(), 3U);
  EXPECT_EQ(zone->transfer()->messages()[1].answer_count, 1);
  EXPECT_EQ(records(*zone).size(), 9U);
  EXPECT_FALSE(check_transfer(*file_));
}

TEST_F(TransferTest, ARecordThatFitsNoSignedMessageIsAProblem) {
  add("ok.gslb.example.com", dns::type::kA, {192, 0, 2, 80});
  add("fat.gslb.example.com", 65'280, Bytes(65'000, 1));
  const auto problem = check_transfer(*file_);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->source.line, 2U);
  EXPECT_THAT(problem->message, HasSubstr("65032 octets, and one of more than 63487 cannot"));
}

TEST_F(TransferTest, KnowsWhoMayHaveIt) {
  const auto zone = make();
  const ZoneTransfer& transfer = *zone->transfer();
  EXPECT_EQ(transfer.key(), name("key"));
  EXPECT_EQ(transfer.serial(), 7U);
  EXPECT_TRUE(transfer.allows(ip("192.0.2.200")));
  EXPECT_TRUE(transfer.allows(ip("2001:db8::1")));
  EXPECT_FALSE(transfer.allows(ip("192.0.3.1")));
  EXPECT_FALSE(transfer.allows(ip("2001:db8::2")));
}

TEST_F(TransferTest, TheSerialIsThatOfTheSoaInTheFile) {
  Bytes soa = {0, 0};  // Both names are the root.
  for (std::uint8_t number = 9; number < 14; ++number) soa.insert(soa.end(), {1, 0, 0, number});
  add("gslb.example.com", dns::type::kSoa, soa);
  EXPECT_EQ(make()->transfer()->serial(), 0x0100'0009U);
}

}  // namespace
}  // namespace gslb::zones
