#include "app/config_text.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace gslb::app::loading {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
  struct Case {
    const char* a;
    const char* b;
    std::size_t distance;
  };
  const Case cases[] = {
      {"", "", 0},
      {"a", "", 1},
      {"", "abc", 3},
      {"weight", "weight", 0},
      {"wieght", "weight", 1},
      {"weigt", "weight", 1},
      {"weeight", "weight", 1},
      {"waight", "weight", 1},
      {"kitten", "sitting", 3},
      {"ab", "ba", 1},
      {"ca", "abc", 3},  // 2 in the unrestricted variant
  };
  for (const Case& test : cases) {
    EXPECT_EQ(edit_distance(test.a, test.b), test.distance) << test.a << " " << test.b;
    EXPECT_EQ(edit_distance(test.b, test.a), test.distance) << test.b << " " << test.a;
  }
}

TEST(Nearest, FindsTypingErrorsAndNothingElse) {
  const std::vector<std::string_view> keys{"ttl", "weight", "expected_status", "timeout", "name"};
  EXPECT_EQ(nearest("wieght", keys), "weight");
  EXPECT_EQ(nearest("Weight", keys), "weight");
  EXPECT_EQ(nearest("expected-status", keys), "expected_status");
  EXPECT_EQ(nearest("tll", keys), "ttl");
  EXPECT_EQ(nearest("time_out", keys), "timeout");
  EXPECT_EQ(nearest("names", keys), "name");
  EXPECT_EQ(nearest("height_m", keys), std::nullopt);
  EXPECT_EQ(nearest("retries", keys), std::nullopt);
  EXPECT_EQ(nearest("tt", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("weight", {}), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'a'), keys), std::nullopt);
}

TEST(Quote, KeepsToOneLineAndALength) {
  EXPECT_EQ(quote("vpn"), "\"vpn\"");
  EXPECT_EQ(quote("a\r\nb\x1B[2J\x7F"), "\"a\\u000D\\u000Ab\\u001B[2J\\u007F\"");
  EXPECT_EQ(quote(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(quote(std::string(80, 'a')), "\"" + std::string(80, 'a') + "\"");
  EXPECT_EQ(quote(std::string(81, 'a')), "\"" + std::string(80, 'a') + "...\"");
  // A character of two octets is not cut in half.
  EXPECT_EQ(quote(std::string(79, 'a') + "\xC3\xBC" + "b"), "\"" + std::string(79, 'a') + "...\"");
}

TEST(KeyPath, QuotesWhatTomlWouldHaveQuoted) {
  EXPECT_EQ(key_path("", "server"), "server");
  EXPECT_EQ(key_path("monitor", "sstp_1-a"), "monitor.sstp_1-a");
  EXPECT_EQ(key_path("zone", "example.com"), "zone.\"example.com\"");
  EXPECT_EQ(key_path("monitor", ""), "monitor.\"\"");
}

TEST(JoinOr, ReadsAsASentence) {
  EXPECT_EQ(join_or({}), "");
  EXPECT_EQ(join_or({"a"}), "a");
  EXPECT_EQ(join_or({"a", "b"}), "a or b");
  EXPECT_EQ(join_or({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace gslb::app::loading
