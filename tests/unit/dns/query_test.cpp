#include "dns/query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dns/wire.h"
#include "tests/support/test_snapshot.h"
#include "zones/name_table.h"

namespace gslb::dns {
namespace {

/// Names of one label of every length, below one that is short and one that is not, which hold
/// every octet that there is, in every place of a group of eight.
std::vector<Name> make_names() {
  std::vector<Name> names{Name()};
  unsigned next = 0;
  for (const char* parent : {"", "Com", "A-Zone.Example.COM"}) {
    for (std::uint8_t length = 1; length <= kMaxLabelLength; ++length) {
      std::vector<std::uint8_t> wire{length};
      for (std::uint8_t i = 0; i < length; ++i) {
        wire.push_back(static_cast<std::uint8_t>(next));
        next += 7;  // Comes by every octet.
      }
      const Name below = *parent == 0 ? Name() : support::name(parent);
      wire.insert(wire.end(), below.wire().begin(), below.wire().end());
      names.push_back(Name::from_wire(wire));
    }
  }
  return names;
}

std::vector<std::uint8_t> make_query(const Name& name) {
  std::vector<std::uint8_t> query{0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  query.insert(query.end(), name.wire().begin(), name.wire().end());
  query.insert(query.end(), {0, type::kA, 0, klass::kIn});
  return query;
}

TEST(ParseQuery, TakesANameApartInLowerCase) {
  for (const Name& name : make_names()) {
    SCOPED_TRACE(name.to_string());
    QueryName parsed;
    const std::vector<std::uint8_t> message = make_query(name);
    ASSERT_EQ(parse_query(message, parsed).form, Form::kQuery);

    const Name lower = name.lower();
    ASSERT_EQ(parsed.length, lower.length());
    EXPECT_TRUE(std::equal(lower.wire().begin(), lower.wire().end(), parsed.lower.begin()));
    Name suffix = name;
    for (std::size_t label = 0; label <= parsed.labels; ++label, suffix = suffix.parent()) {
      EXPECT_EQ(parsed.offset_of(label), name.length() - suffix.length());
      EXPECT_EQ(parsed.suffix_hash[label], zones::hash_name(suffix));
    }
    EXPECT_TRUE(suffix.is_root());
  }
}

/// The message ends where the name does, so a sanitizer sees any octet that is read behind it.
TEST(ParseQuery, RefusesANameThatIsCutOffAnywhere) {
  const std::vector<std::uint8_t> whole = make_query(support::name("host.Example.com"));
  for (std::size_t size = kHeaderSize; size < whole.size(); ++size) {
    QueryName parsed;
    const std::vector<std::uint8_t> message(whole.begin(),
                                            whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(parse_query(message, parsed).form, Form::kMalformed) << size;
  }
}

TEST(ParseQuery, TakesTheMostLabelsThatFitAndNoMore) {
  for (const std::size_t labels : {126U, 127U, 128U}) {
    std::vector<std::uint8_t> wire;
    for (std::size_t i = 0; i < labels; ++i) wire.insert(wire.end(), {1, 'A'});
    wire.push_back(0);
    QueryName parsed;
    const std::vector<std::uint8_t> message = make_query(Name::from_wire(wire));
    const Form form = parse_query(message, parsed).form;
    EXPECT_EQ(form, labels <= QueryName::kMaxLabels ? Form::kQuery : Form::kMalformed) << labels;
    if (form == Form::kQuery) {
      EXPECT_EQ(parsed.labels, labels);
    }
  }
}

}  // namespace
}  // namespace gslb::dns
