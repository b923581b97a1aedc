#include "dns/client_subnet.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/support/allocation_counter.h"

namespace gslb::dns {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes write(const ClientSubnet& subnet, std::uint8_t scope) {
  std::array<std::uint8_t, kMaxClientSubnetSize> out;
  out.fill(0xEE);
  const std::size_t size = write_client_subnet(subnet, scope, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// An option with this prefix and as many octets of ones as it needs, the last one cut to its bits.
Bytes ones(std::uint8_t family, unsigned prefix) {
  Bytes option = {0, family, static_cast<std::uint8_t>(prefix), 0};
  option.resize(4 + prefix / 8, 0xFF);
  if (prefix % 8 != 0) option.push_back(static_cast<std::uint8_t>(0xFF00 >> prefix % 8));
  return option;
}

TEST(ClientSubnet, IsReadAndEchoed) {
  const struct {
    const char* name;
    Bytes option;
    const char* address;
    std::uint8_t prefix;
  } rows[] = {
      {"IPv4 /24", {0, 1, 24, 0, 192, 0, 2}, "192.0.2.0", 24},
      {"IPv4 /32", {0, 1, 32, 0, 192, 0, 2, 1}, "192.0.2.1", 32},
      {"IPv4 /1", {0, 1, 1, 0, 0x80}, "128.0.0.0", 1},
      {"IPv4 /20", {0, 1, 20, 0, 10, 1, 0xF0}, "10.1.240.0", 20},
      {"IPv4, zero octets at the end", {0, 1, 24, 0, 10, 0, 0}, "10.0.0.0", 24},
      {"IPv4 withheld", {0, 1, 0, 0}, "0.0.0.0", 0},
      {"IPv6 /56", {0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 1, 2}, "2001:db8:1:200::", 56},
      {"IPv6 /57", {0, 2, 57, 0, 0x20, 1, 0xd, 0xb8, 0, 1, 2, 0x80}, "2001:db8:1:280::", 57},
      {"IPv6 withheld", {0, 2, 0, 0}, "::", 0},
  };
  for (const auto& row : rows) {
    const auto subnet = parse_client_subnet(row.option);
    ASSERT_TRUE(subnet) << row.name;
    EXPECT_EQ(base::to_string(subnet->address), row.address) << row.name;
    EXPECT_EQ(subnet->source_prefix, row.prefix) << row.name;
    EXPECT_EQ(subnet->is_withheld(), row.prefix == 0) << row.name;
    EXPECT_EQ(write(*subnet, 0), row.option) << row.name;
  }
}

TEST(ClientSubnet, TakesEveryPrefixAndOnlyItsSize) {
  for (const auto& [family, width] : {std::pair<std::uint8_t, unsigned>{1, 32}, {2, 128}}) {
    for (unsigned prefix = 0; prefix <= 255; ++prefix) {
      const std::string name =
          "family " + std::to_string(family) + " prefix " + std::to_string(prefix);
      Bytes option = ones(family, prefix);
      const auto subnet = parse_client_subnet(option);
      ASSERT_EQ(subnet.has_value(), prefix <= width) << name;
      if (!subnet) continue;
      EXPECT_EQ(write(*subnet, 0), option) << name;

      Bytes longer = option;
      longer.push_back(0);
      EXPECT_FALSE(parse_client_subnet(longer)) << name;
      option.pop_back();
      EXPECT_FALSE(parse_client_subnet(option)) << name;
    }
  }
}

TEST(ClientSubnet, RefusesBitsBeyondThePrefix) {
  for (unsigned prefix = 1; prefix <= 32; ++prefix) {
    for (unsigned bit = prefix; bit < (prefix + 7) / 8 * 8; ++bit) {
      Bytes option = ones(1, prefix);
      option[4 + bit / 8] = static_cast<std::uint8_t>(option[4 + bit / 8] | 0x80 >> bit % 8);
      EXPECT_FALSE(parse_client_subnet(option)) << prefix << " bit " << bit;
    }
  }
}

TEST(ClientSubnet, RefusesWhatIsMalformed) {
  const struct {
    const char* name;
    Bytes option;
  } rows[] = {
      {"empty", {}},
      {"FAMILY only", {0, 1}},
      {"no SCOPE", {0, 1, 0}},
      {"SCOPE in a query", {0, 1, 24, 24, 192, 0, 2}},
      {"SCOPE in a query without address", {0, 1, 0, 1}},
      {"FAMILY 0", {0, 0, 24, 0, 192, 0, 2}},
      {"FAMILY 0 without address", {0, 0, 0, 0}},
      {"FAMILY 3", {0, 3, 24, 0, 192, 0, 2}},
      {"FAMILY 3 without address", {0, 3, 0, 0}},
      {"FAMILY 257", {1, 1, 24, 0, 192, 0, 2}},
      {"a whole address for /24", {0, 1, 24, 0, 192, 0, 2, 0}},
      {"an address that is withheld", {0, 1, 0, 0, 192, 0, 2, 0}},
      {"IPv4 /33", {0, 1, 33, 0, 192, 0, 2, 0, 0}},
      {"IPv6 /129", {0, 2, 129, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
  };
  for (const auto& row : rows) EXPECT_FALSE(parse_client_subnet(row.option)) << row.name;
}

TEST(ClientSubnet, SaysForWhichPrefixTheAnswerHolds) {
  const struct {
    const char* name;
    Bytes option;
    std::uint8_t scope;
    Bytes response;
  } rows[] = {
      {"all", {0, 1, 24, 0, 192, 0, 2}, 0, {0, 1, 24, 0, 192, 0, 2}},
      {"shorter", {0, 1, 24, 0, 192, 0, 2}, 16, {0, 1, 24, 16, 192, 0, 2}},
      {"same", {0, 1, 24, 0, 192, 0, 2}, 24, {0, 1, 24, 24, 192, 0, 2}},
      {"longer", {0, 1, 24, 0, 192, 0, 2}, 28, {0, 1, 24, 28, 192, 0, 2}},
      {"limited to IPv4", {0, 1, 24, 0, 192, 0, 2}, 56, {0, 1, 24, 32, 192, 0, 2}},
      {"limited to IPv6", {0, 2, 8, 0, 0x20}, 255, {0, 2, 8, 128, 0x20}},
      {"withheld", {0, 1, 0, 0}, 24, {0, 1, 0, 0}},
      {"withheld by IPv6", {0, 2, 0, 0}, 56, {0, 2, 0, 0}},
  };
  for (const auto& row : rows) {
    const auto subnet = parse_client_subnet(row.option);
    ASSERT_TRUE(subnet) << row.name;
    EXPECT_EQ(write(*subnet, row.scope), row.response) << row.name;
  }
}

TEST(ClientSubnet, AllocatesNothing) {
  const Bytes option = {0, 2, 56, 0, 0x20, 1, 0xd, 0xb8, 0, 1, 2};
  std::array<std::uint8_t, kMaxClientSubnetSize> out;
  const std::uint64_t before = support::allocation_count();
  const auto subnet = parse_client_subnet(option);
  const std::size_t size = subnet ? write_client_subnet(*subnet, 48, out) : 0;
  EXPECT_EQ(support::allocation_count(), before);
  EXPECT_EQ(size, option.size());
}

}  // namespace
}  // namespace gslb::dns
