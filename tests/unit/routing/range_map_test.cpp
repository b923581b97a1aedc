#include "routing/range_map.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace gslb::routing {
namespace {

using base::AddressPrefix;
using base::AddressRange;
using base::IpAddress;

IpAddress ip(const std::string& text) { return *base::parse_ip_address(text); }
AddressRange range(const std::string& first, const std::string& last) {
  return {ip(first), ip(last)};
}
AddressRange network(const std::string& address, unsigned length) {
  return base::to_range(AddressPrefix{ip(address), static_cast<std::uint8_t>(length)});
}

TEST(RangeMap, WithoutRangesEverythingLeadsToNone) {
  const RangeMap map;
  EXPECT_EQ(map.find(ip("192.0.2.1")).value, RangeMap::kNone);
  EXPECT_EQ(map.find(ip("2001:db8::1")).value, RangeMap::kNone);
  EXPECT_EQ(map.scope(ip("192.0.2.1"), 0, [](std::uint32_t) { return false; }), 0);
}

TEST(RangeMap, TheSmallestRangeWinsWhateverTheOrder) {
  for (const bool reversed : {false, true}) {
    std::vector<std::pair<AddressRange, std::uint32_t>> ranges{
        {network("10.0.0.0", 8), 1},         {network("10.1.0.0", 16), 2},
        {range("10.1.2.4", "10.1.2.99"), 3}, {network("0.0.0.0", 0), 4},
        {network("255.255.255.255", 32), 5}, {network("2001:db8::", 32), 6},
        {network("2001:db8::1", 128), 7},    {range("2001:db8::8", "2001:db8::ffff"), 8}};
    if (reversed) std::reverse(ranges.begin(), ranges.end());
    RangeMapBuilder builder;
    for (const auto& [where, value] : ranges) builder.add(where, value);
    const RangeMap map = std::move(builder).build();
    EXPECT_EQ(map.find(ip("10.0.0.0")).value, 1U);
    EXPECT_EQ(map.find(ip("10.1.2.3")).value, 2U);
    EXPECT_EQ(map.find(ip("10.1.2.4")).value, 3U);
    EXPECT_EQ(map.find(ip("10.1.2.99")).value, 3U);
    EXPECT_EQ(map.find(ip("10.1.2.100")).value, 2U);
    EXPECT_EQ(map.find(ip("10.255.255.255")).value, 1U);
    EXPECT_EQ(map.find(ip("11.0.0.0")).value, 4U);
    EXPECT_EQ(map.find(ip("255.255.255.254")).value, 4U);
    EXPECT_EQ(map.find(ip("255.255.255.255")).value, 5U);
    EXPECT_EQ(map.find(ip("2001:db7:ffff::")).value, RangeMap::kNone);
    EXPECT_EQ(map.find(ip("2001:db8::")).value, 6U);
    EXPECT_EQ(map.find(ip("2001:db8::1")).value, 7U);
    EXPECT_EQ(map.find(ip("2001:db8::7")).value, 6U);
    EXPECT_EQ(map.find(ip("2001:db8::ff00")).value, 8U);
    EXPECT_EQ(map.find(ip("2001:db8::1:0")).value, 6U);
    EXPECT_EQ(map.find(ip("2001:db9::")).value, RangeMap::kNone);
  }
}

TEST(RangeMap, OfEqualRangesTheLaterWins) {
  RangeMapBuilder builder;
  builder.add(network("192.0.2.0", 24), 1);
  builder.add(network("192.0.2.0", 24), 2);
  EXPECT_EQ(std::move(builder).build().find(ip("192.0.2.7")).value, 2U);
}

TEST(RangeMap, NeighboursWithOneValueBecomeOneInterval) {
  RangeMapBuilder builder;
  builder.add(network("192.0.2.0", 25), 1);
  builder.add(network("192.0.2.128", 25), 1);
  const RangeMap map = std::move(builder).build();
  std::vector<AddressRange> found;
  map.for_each([&](const AddressRange& where, std::uint32_t) { found.push_back(where); });
  EXPECT_EQ(found, std::vector<AddressRange>{network("192.0.2.0", 24)});
}

TEST(RangeMap, ScopeIsTheWidestPrefixWithTheSameAnswer) {
  RangeMapBuilder builder;
  builder.add(network("10.0.0.0", 8), 1);
  builder.add(network("10.128.0.0", 24), 2);
  const RangeMap map = std::move(builder).build();
  const auto scope = [&](const std::string& address) {
    const RangeMap::Hit hit = map.find(ip(address));
    return unsigned{map.scope(ip(address), hit.interval,
                              [&](std::uint32_t value) { return value == hit.value; })};
  };
  EXPECT_EQ(scope("10.1.2.3"), 9U);
  EXPECT_EQ(scope("10.128.0.77"), 24U);
  EXPECT_EQ(scope("10.128.1.0"), 24U);
  EXPECT_EQ(scope("10.192.0.0"), 10U);
  EXPECT_EQ(scope("192.0.2.1"), 1U);
  EXPECT_EQ(scope("2001:db8::1"), 0U);
}

/// Ranges at random, many of them close together, against a search through all of them.
TEST(RangeMap, AgreesWithASearchThroughAllRanges) {
  std::mt19937 random(4);
  const auto number = [&](unsigned below) { return random() % below; };
  const auto address = [&](bool v4) {
    if (v4) {
      return IpAddress::v4(
          {10, 0, static_cast<std::uint8_t>(number(4)), static_cast<std::uint8_t>(number(256))});
    }
    std::array<std::uint8_t, 16> bytes{0x20, 0x01};
    bytes[7] = static_cast<std::uint8_t>(number(4));
    bytes[15] = static_cast<std::uint8_t>(number(256));
    return IpAddress::v6(bytes);
  };
  for (unsigned round = 0; round < 50; ++round) {
    std::vector<AddressRange> ranges;
    RangeMapBuilder builder;
    for (unsigned i = 0; i < 1 + number(300); ++i) {
      const bool v4 = number(2) == 0;
      IpAddress a = address(v4), b = address(v4);
      if (b < a) std::swap(a, b);
      ranges.push_back({a, b});
      builder.add(ranges.back(), i);
    }
    const RangeMap map = std::move(builder).build();
    const auto size = [](const AddressRange& where) {
      // Only the octets that address() varies.
      const auto at = [](const IpAddress& ip) {
        const auto bytes = ip.bytes();
        return ip.is_v4() ? std::uint64_t{bytes[2]} * 256 + bytes[3]
                          : (std::uint64_t{bytes[7]} << 32) + bytes[15];
      };
      return at(where.last) - at(where.first);
    };
    for (unsigned i = 0; i < 500; ++i) {
      const IpAddress client = address(number(2) == 0);
      std::uint32_t best = RangeMap::kNone;
      for (std::uint32_t r = 0; r < ranges.size(); ++r) {
        if (!ranges[r].contains(client)) continue;
        const auto rank = [&](std::uint32_t at) {
          return std::pair(~size(ranges[at]), ranges[at].first);
        };
        if (best == RangeMap::kNone || rank(r) >= rank(best)) best = r;
      }
      const RangeMap::Hit hit = map.find(client);
      ASSERT_EQ(hit.value, best) << base::to_string(client);
      const auto same = [&](std::uint32_t value) { return value == hit.value; };
      const std::uint8_t scope = map.scope(client, hit.interval, same);
      const AddressRange around = base::to_range(AddressPrefix{client, scope});
      ASSERT_EQ(map.find(around.first).value, best) << base::to_string(around);
      ASSERT_EQ(map.find(around.last).value, best) << base::to_string(around);
    }
  }
}

/// `make(i)` is the i-th address, rising.
template <class Make>
void check_many(std::uint32_t count, const Make& make) {
  RangeMapBuilder builder;
  for (std::uint32_t i = 0; i < count; ++i) builder.add(AddressRange{make(i), make(i)}, i);
  const RangeMap map = std::move(builder).build();
  for (std::uint32_t i = 0; i < count; ++i) {
    const IpAddress address = make(i);
    ASSERT_EQ(map.find(address).value, i) << base::to_string(address);
    for (const auto& beside : {base::previous(address), base::next(address)}) {
      if (!beside || (i > 0 && *beside == make(i - 1))) continue;
      if (i + 1 < count && *beside == make(i + 1)) continue;
      ASSERT_EQ(map.find(*beside).value, RangeMap::kNone) << base::to_string(*beside);
    }
  }
}

TEST(RangeMap, FindsEachOfManyAndNothingBesideThem) {
  // So many that there are levels, and that there is an index.
  for (const std::uint32_t count : {300U, 5000U, 100'000U}) {
    check_many(count, [count](std::uint32_t i) {  // Dense in one /16, then up to the last address.
      const std::uint32_t bits = i == count - 1  ? 0xffffffff
                                 : i < count / 5 ? i * 3
                                                 : i * (0xffffffff / count);
      return IpAddress::v4({static_cast<std::uint8_t>(bits >> 24),
                            static_cast<std::uint8_t>(bits >> 16),
                            static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)});
    });
    check_many(count, [count](std::uint32_t i) {
      std::array<std::uint8_t, 16> bytes{};
      if (i == count - 1) bytes.fill(0xff);
      for (unsigned octet = 0; octet < 4 && i != count - 1; ++octet) {
        bytes[1 + octet] = static_cast<std::uint8_t>(i >> (24 - 8 * octet));
      }
      return IpAddress::v6(bytes);
    });
  }
}

}  // namespace
}  // namespace gslb::routing
