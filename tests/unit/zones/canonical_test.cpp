#include "zones/canonical.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/support/test_snapshot.h"

namespace gslb::zones {
namespace {

using support::name;

std::vector<std::uint8_t> key(const char* text) {
  std::vector<std::uint8_t> out(kMaxCanonicalKeySize);
  out.resize(write_canonical_key(name(text).lower().wire(), out));
  return out;
}

/// The example of RFC 4034 §6.1.
constexpr const char* kInOrder[] = {"example",         "a.example",      "yljkjljk.a.example",
                                    "Z.a.example",     "zABC.a.EXAMPLE", "z.example",
                                    "\\001.z.example", "*.z.example",    "\\200.z.example"};

TEST(Canonical, KeysAreInTheOrderOfTheRfc) {
  for (std::size_t i = 1; i < std::size(kInOrder); ++i) {
    EXPECT_LT(key(kInOrder[i - 1]), key(kInOrder[i])) << kInOrder[i];
  }
}

TEST(Canonical, TheOctets0And1KeepTheirPlaces) {
  constexpr const char* kNames[] = {
      "a", "b.a", "\\000.a", "\\000\\000.a", "\\000\\001.a", "\\001.a", "\\001\\000.a", "\\002.a"};
  // "b.a" comes last: it is the only one with a letter.
  std::vector<dns::Name> names;
  for (const char* text : kNames) names.push_back(name(text));
  const std::vector<std::uint32_t> order = sort_canonically(names);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0, 2, 3, 4, 5, 6, 7, 1}));
}

TEST(Canonical, TheLongestNameFits) {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    for (int octet = 0; octet < 63; ++octet) text += "\\000";
    text += '.';
  }
  for (int octet = 0; octet < 61; ++octet) text += "\\001";
  std::vector<std::uint8_t> out(kMaxCanonicalKeySize);
  EXPECT_EQ(write_canonical_key(name(text).wire(), out), 2U * (3 * 63 + 61) + 4U);
}

TEST(Canonical, NamesInRdataAreLoweredByType) {
  const std::vector<std::uint8_t> mx = {0, 'A', 1, 'A', 0};
  EXPECT_EQ(canonical_rdata(dns::type::kMx, mx), (std::vector<std::uint8_t>{0, 'A', 1, 'a', 0}));
  const std::vector<std::uint8_t> naptr = {0, 'A', 0, 'B', 1, 'U', 0, 2, 'R', 'E', 1, 'A', 0};
  EXPECT_EQ(canonical_rdata(dns::type::kNaptr, naptr),
            (std::vector<std::uint8_t>{0, 'A', 0, 'B', 1, 'U', 0, 2, 'R', 'E', 1, 'a', 0}));
  const std::vector<std::uint8_t> soa = {1, 'A', 0, 2, 'B', 'C', 0, 'A', 'B', 'C', 'D'};
  EXPECT_EQ(canonical_rdata(dns::type::kSoa, soa),
            (std::vector<std::uint8_t>{1, 'a', 0, 2, 'b', 'c', 0, 'A', 'B', 'C', 'D'}));
  EXPECT_EQ(canonical_rdata(dns::type::kTxt, mx), mx);
  EXPECT_EQ(canonical_rdata(dns::type::kNsec, {soa.data(), 3}),  // RFC 6840 §5.1
            (std::vector<std::uint8_t>{1, 'A', 0}));
}

TEST(CanonicalIndex, FindsTheLastNameUpToAnother) {
  std::vector<dns::Name> sorted;
  for (const char* text : kInOrder) sorted.push_back(name(text));
  const CanonicalIndex index(sorted);
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    EXPECT_EQ(index.last_up_to(sorted[i].lower().wire()), i);
  }
  EXPECT_EQ(index.last_up_to(name("a").wire()), std::nullopt);
  EXPECT_EQ(index.last_up_to(name("x.a.example").wire()), 1U);
  EXPECT_EQ(index.last_up_to(name("zz.example").wire()), 8U);
  EXPECT_EQ(CanonicalIndex().last_up_to(name("a").wire()), std::nullopt);
}

TEST(CanonicalIndex, AgreesWithALinearSearchOnRandomNames) {
  std::mt19937 rng(11);
  const auto random_name = [&] {
    std::string text;
    for (auto labels = 1 + rng() % 3; labels > 0; --labels) {
      for (auto octets = 1 + rng() % 3; octets > 0; --octets) {
        const unsigned octet = std::array{0U, 1U, 2U, 97U, 65U, 255U}[rng() % 6];
        text +=
            "\\" + std::string(octet < 100 ? octet < 10 ? "00" : "0" : "") + std::to_string(octet);
      }
      text += '.';
    }
    return name(text);
  };
  std::vector<dns::Name> names;
  while (names.size() < 300) {
    const dns::Name next = random_name();
    if (std::find(names.begin(), names.end(), next) == names.end()) names.push_back(next);
  }
  std::vector<dns::Name> sorted;
  for (const std::uint32_t at : sort_canonically(names)) sorted.push_back(names[at]);
  const CanonicalIndex index(sorted);
  const auto labels_backwards = [](const dns::Name& of) {
    std::vector<std::vector<std::uint8_t>> labels;
    for (dns::Name at = of.lower(); !at.is_root(); at = at.parent()) {
      labels.insert(labels.begin(), {at.wire().begin() + 1, at.wire().begin() + 1 + at.wire()[0]});
    }
    return labels;
  };
  for (int i = 0; i < 200; ++i) {
    const dns::Name wanted = random_name();
    std::optional<std::uint32_t> expected;
    for (std::uint32_t at = 0; at < sorted.size(); ++at) {
      if (labels_backwards(sorted[at]) <= labels_backwards(wanted)) expected = at;
    }
    EXPECT_EQ(index.last_up_to(wanted.lower().wire()), expected) << wanted.to_string();
  }
}

}  // namespace
}  // namespace gslb::zones
