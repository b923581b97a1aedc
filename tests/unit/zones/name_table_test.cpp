#include "zones/name_table.h"

#include <gtest/gtest.h>

#include "tests/support/test_snapshot.h"

namespace gslb::zones {
namespace {

using support::name;

TEST(NameTable, FindsWhatWasInserted) {
  NameTable table;
  EXPECT_FALSE(table.find(name("a.example")));
  EXPECT_TRUE(table.insert(name("A.example"), 7));
  EXPECT_EQ(table.find(name("a.EXAMPLE")), 7U);
  EXPECT_FALSE(table.find(name("b.example")));
  EXPECT_FALSE(table.find(name("example")));
}

TEST(NameTable, RefusesTheSameNameTwice) {
  NameTable table;
  EXPECT_TRUE(table.insert(name("a.example"), 1));
  EXPECT_FALSE(table.insert(name("A.example"), 2));
  EXPECT_EQ(table.find(name("a.example")), 1U);
  EXPECT_EQ(table.size(), 1U);
}

TEST(NameTable, GrowsAndKeepsEverything) {
  NameTable table;
  constexpr std::uint32_t kNames = 20'000;
  const auto nth = [](std::uint32_t i) { return name("n" + std::to_string(i) + ".example"); };
  for (std::uint32_t i = 0; i < kNames; ++i) ASSERT_TRUE(table.insert(nth(i), i));
  for (std::uint32_t i = 0; i < kNames; ++i) ASSERT_EQ(table.find(nth(i)), i);
  for (std::uint32_t i = kNames; i < 2 * kNames; ++i) ASSERT_FALSE(table.find(nth(i)));
}

TEST(NameTable, HoldsTheRoot) {
  NameTable table;
  EXPECT_TRUE(table.insert(dns::Name(), 3));
  EXPECT_EQ(table.find(dns::Name()), 3U);
}

}  // namespace
}  // namespace gslb::zones
