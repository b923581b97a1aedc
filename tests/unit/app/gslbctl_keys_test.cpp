#include "app/gslbctl_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gslb::app {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::sys_seconds;

constexpr Time kNow{1'800'000'000s};  // 2027-01-15 08:00:00

TEST(KeyTimeOption, IsRelativeOrAbsoluteOrNone) {
  const auto parse = [](std::string_view text) {
    return parse_key_time_option(text, kNow).value();
  };
  EXPECT_EQ(parse("now"), kNow);
  EXPECT_EQ(parse("none"), std::nullopt);
  EXPECT_EQ(parse("+90s"), kNow + 90s);
  EXPECT_EQ(parse("+5m"), kNow + 5min);
  EXPECT_EQ(parse("+12h"), kNow + 12h);
  EXPECT_EQ(parse("+30d"), kNow + 30 * 24h);
  EXPECT_EQ(parse("+2w"), kNow + 14 * 24h);
  EXPECT_EQ(parse("20270115080001"), kNow + 1s);
}

TEST(KeyTimeOption, OtherTextIsRefusedWithAnExample) {
  for (const char* bad :
       {"", "+", "+d", "30d", "+30", "+30y", "+100y", "+5000w", "+-1d", "+ 1d", "-1d", "+1.5d",
        "NOW", "+1000001w", "+1000000w", "+99999999999d", "2027-01-15", "20270229000000"}) {
    const auto time = parse_key_time_option(bad, kNow);
    ASSERT_FALSE(time) << bad;
    EXPECT_THAT(time.error(), testing::HasSubstr(" is not a time; write now, +30d"));
  }
}

}  // namespace
}  // namespace gslb::app
