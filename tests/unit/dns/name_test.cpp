#include "dns/name.h"

#include <gtest/gtest.h>

#include <set>

#include "dns/name_hash.h"
#include "zones/name_table.h"

namespace gslb::dns {
namespace {

Name must_parse(std::string_view text) {
  const auto parsed = parse_name(text);
  EXPECT_TRUE(parsed) << text << ": " << (parsed ? "" : parsed.error());
  return parsed.value_or(Name());
}

TEST(Name, KeepsPresentationForm) {
  const struct {
    std::string text, canonical;
  } rows[] = {{"gslb.example.com", "gslb.example.com"},
              {"GSLB.Example.com.", "GSLB.Example.com"},
              {".", "."},
              {R"(a\.b.example)", R"(a\.b.example)"},
              {R"(a\032b.example)", R"(a\032b.example)"},
              {R"(\097.example)", "a.example"},
              {R"(\(x\).example)", R"(\(x\).example)"},
              {R"(\255.example)", R"(\255.example)"},
              {"*.example", "*.example"}};
  for (const auto& row : rows) EXPECT_EQ(must_parse(row.text).to_string(), row.canonical);
}

TEST(Name, RefusesWhatIsNoName) {
  const std::string label63(63, 'a');
  const struct {
    std::string text, error;
  } rows[] = {
      {"", "a name is empty"},
      {"a..b", "has an empty label"},
      {".a", "has an empty label"},
      {label63 + "a.example", "has a label of more than 63 octets"},
      {label63 + "." + label63 + "." + label63 + "." + label63, "is longer than 255 octets"},
      {"a\\", "ends in a lone backslash"},
      {"a\\25", "a backslash and a digit must be followed by two more digits"},
      {"a\\256", "an escape \\DDD is at most \\255"},
      {"a b", "has a blank or control character"},
      {"a\tb", "has a blank or control character"}};
  for (const auto& row : rows) {
    const auto parsed = parse_name(row.text);
    ASSERT_FALSE(parsed) << row.text;
    EXPECT_EQ(parsed.error(), row.error) << row.text;
  }
}

TEST(Name, TakesTheLongestPossibleName) {
  const std::string label63(63, 'a');
  const std::string longest = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'a');
  EXPECT_EQ(must_parse(longest).length(), kMaxNameLength);
}

TEST(Name, ComparesWithoutCase) {
  EXPECT_EQ(must_parse("VPN.Example"), must_parse("vpn.eXAMPLE"));
  EXPECT_NE(must_parse("vpn.example"), must_parse("vpn.example.com"));
  EXPECT_NE(must_parse(R"(a\.b)"), must_parse("a.b"));
}

TEST(Name, KnowsItsAncestors) {
  const Name apex = must_parse("gslb.example.com");
  EXPECT_TRUE(must_parse("vpn.GSLB.example.com").is_at_or_below(apex));
  EXPECT_TRUE(apex.is_at_or_below(apex));
  EXPECT_TRUE(apex.is_at_or_below(Name()));
  EXPECT_FALSE(must_parse("xgslb.example.com").is_at_or_below(apex));
  EXPECT_FALSE(must_parse("example.com").is_at_or_below(apex));
  EXPECT_EQ(must_parse("vpn.example").parent(), must_parse("example"));
  EXPECT_TRUE(Name().parent().is_root());
}

TEST(Mailbox, BecomesAName) {
  const auto dotted = parse_mailbox("john.doe@example.com");
  ASSERT_TRUE(dotted);
  EXPECT_EQ(dotted->to_string(), R"(john\.doe.example.com)");
  for (const char* text : {"example.com", "@example.com", "john@", ""}) {
    EXPECT_FALSE(parse_mailbox(text)) << text;
  }
}

TEST(NameHash, DiffersByEveryLabel) {
  const char* names[] = {"a.b",
                         "b.a",
                         "ab",
                         "a",
                         "b",
                         "aa.b",
                         "a.a.b",
                         "abcdefgh.x",
                         "abcdefgi.x",
                         "abcdefghijklmnop.x",
                         "abcdefghijklmnoq.x"};
  std::set<std::uint64_t> hashes;
  for (const char* text : names) hashes.insert(zones::hash_name(must_parse(text)));
  EXPECT_EQ(hashes.size(), std::size(names));
  EXPECT_EQ(zones::hash_name(must_parse("A.B")), zones::hash_name(must_parse("a.b")));
}

}  // namespace
}  // namespace gslb::dns
