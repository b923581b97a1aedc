// How the differential run reads responses.

#include "tests/oracle/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gslb::oracle {
namespace {

Bytes plus(Bytes bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

/// A record whose owner is a compression pointer.
Bytes record(std::uint8_t owner_at, std::uint8_t type, const Bytes& data) {
  return plus(
      {0xC0, owner_at, 0, type, 0, 1, 0, 0, 0, 60, 0, static_cast<std::uint8_t>(data.size())},
      data);
}

/// A response about a.test, whose name stands at offset 12.
Bytes response(std::uint8_t answers, std::uint8_t authorities, std::uint8_t additional) {
  return {0, 1,   0x80, 0,   0,   1,   0,   answers, 0, authorities, 0, additional,
          1, 'A', 4,    't', 'e', 's', 't', 0,       0, 1,           0, 1};
}

const Bytes kAddress = {192, 0, 2, 1};

TEST(Reply, KeepsTheQuestionOctetForOctetAndNamesInLowerCase) {
  const auto reply = parse_reply(plus(response(1, 0, 0), record(12, 1, kAddress)));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->question, (Bytes{1, 'A', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1}));
  EXPECT_EQ(reply->body.answer, (Section{{"a.test.", "A", "192.0.2.1", 60}}));
  EXPECT_FALSE(reply->body.repeats_records);
}

TEST(Reply, NoticesARecordThatIsThereTwice) {
  const Bytes one = record(12, 1, kAddress);
  const auto reply = parse_reply(plus(plus(response(2, 0, 0), one), one));
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->body.repeats_records);
  EXPECT_EQ(reply->body.answer.size(), 1U);
}

TEST(Reply, CountsOnlyGlueInsideTheDelegatedZoneAsRequired) {
  const Bytes delegation = record(12, 2, {1, 'n', 0xC0, 12});
  const Bytes elsewhere = record(12, 2, {1, 'n', 0xC0, 14});
  const std::uint8_t name_of_ns = 24 + 12;
  const Bytes address = record(name_of_ns, 1, kAddress);
  const auto with_glue = parse_reply(plus(plus(response(0, 1, 1), delegation), address));
  ASSERT_TRUE(with_glue);
  EXPECT_EQ(with_glue->required_size, with_glue->size);
  const auto without = parse_reply(plus(plus(response(0, 1, 1), elsewhere), address));
  ASSERT_TRUE(without);
  EXPECT_EQ(without->required_size, without->size - address.size());
}

TEST(Names, AreBelowOthersByLabels) {
  EXPECT_TRUE(is_below("a.test.", "test."));
  EXPECT_TRUE(is_below("test.", "."));
  EXPECT_FALSE(is_below("test.", "test."));
  EXPECT_FALSE(is_below("atest.", "test."));
  EXPECT_FALSE(is_below("a\\.test.", "test.")) << "a dot inside a label";
  EXPECT_TRUE(is_below("a\\\\.test.", "test.")) << "a backslash before the dot between two labels";
  EXPECT_EQ(canonical_text(wire_of_text("A\\.b.Test.")), "a\\.b.test.");
}

}  // namespace
}  // namespace gslb::oracle
