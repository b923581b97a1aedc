#include "routing/latency_db.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gslb::routing {
namespace {

using testing::HasSubstr;

LatencyDb example(std::size_t cells) {
  LatencyDb db{{"london", "paris"}, {}};
  for (std::size_t i = 0; i < cells; ++i) {
    const auto client = base::IpAddress::v4(
        {10, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i), 1});
    db.cells.push_back({latency_key(client, static_cast<LatencyColumn>(i % 2)),
                        static_cast<std::uint32_t>(i * 1000), 0xfedcba98});
  }
  return db;
}

std::string written(const LatencyDb& db) {
  LatencyDbWriter writer(db.endpoints, db.cells);
  std::string text;
  for (std::string_view piece = writer.next(); !piece.empty(); piece = writer.next()) text += piece;
  return text;
}

TEST(LatencyDbTest, IsReadAsItWasWritten) {
  for (const std::size_t cells : {0U, 1U, 4096U, 10000U}) {
    const LatencyDb db = example(cells);
    const auto read = parse_latency_db(written(db));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, db);
  }
}

TEST(LatencyDbTest, AnyDamagedOctetIsNoticed) {
  const std::string good = written(example(3));
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_FALSE(parse_latency_db(bad)) << i;
  }
}

TEST(LatencyDbTest, AnyCutIsNoticed) {
  const std::string good = written(example(3));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_latency_db(std::string_view(good).substr(0, size))) << size;
  }
  EXPECT_FALSE(parse_latency_db(good + "x"));
}

TEST(LatencyDbTest, AnErrorSaysWhatIsWrong) {
  const std::string good = written(example(1));
  EXPECT_THAT(parse_latency_db("x").error(), HasSubstr("not a latency database"));
  EXPECT_THAT(parse_latency_db(std::string_view(good).substr(0, 16)).error(), HasSubstr("cut off"));
  std::string other = good;
  other[14] = 2;
  EXPECT_THAT(parse_latency_db(other).error(), HasSubstr("another version"));
  other = good;
  other[30] ^= 1;
  EXPECT_THAT(parse_latency_db(other).error(), HasSubstr("checksum"));
}

TEST(LatencyDbTest, ACellOfAnEndpointThatIsNotThereIsRefused) {
  LatencyDb db = example(1);
  db.cells[0].key = with_column(db.cells[0].key, 2);
  EXPECT_THAT(parse_latency_db(written(db)).error(), HasSubstr("makes no sense"));
}

}  // namespace
}  // namespace gslb::routing
