#include "base/address_range.h"

#include <gtest/gtest.h>

namespace gslb::base {
namespace {

IpAddress ip(std::string_view text) { return *parse_ip_address(text); }

TEST(AddressRange, HoldsTheAddressesOfANetwork) {
  const AddressRange range = to_range({ip("192.0.2.77"), 26});
  EXPECT_EQ(range.first, ip("192.0.2.64"));
  EXPECT_EQ(range.last, ip("192.0.2.127"));
  EXPECT_TRUE(range.contains(ip("192.0.2.64")));
  EXPECT_TRUE(range.contains(ip("192.0.2.127")));
  EXPECT_FALSE(range.contains(ip("192.0.2.128")));
  EXPECT_FALSE(range.contains(ip("::")));
  const AddressRange all = to_range({ip("2001:db8::"), 0});
  EXPECT_EQ(all.first, ip("::"));
  EXPECT_EQ(all.last, ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

TEST(AddressRange, IsWrittenAsANetworkWhereItIsOne) {
  EXPECT_EQ(to_string(AddressRange{ip("192.0.2.0"), ip("192.0.2.255")}), "192.0.2.0/24");
  EXPECT_EQ(to_string(AddressRange{ip("192.0.2.4"), ip("192.0.2.99")}), "192.0.2.4-192.0.2.99");
  EXPECT_EQ(to_string(to_range({ip("2001:db8::"), 32})), "2001:db8::/32");
  EXPECT_EQ(to_string(to_range({ip("192.0.2.7"), 32})), "192.0.2.7/32");
}

TEST(AddressRange, StepsToTheNeighboursOfAnAddress) {
  EXPECT_EQ(next(ip("10.0.255.255")), ip("10.1.0.0"));
  EXPECT_EQ(previous(ip("10.1.0.0")), ip("10.0.255.255"));
  EXPECT_EQ(next(ip("255.255.255.255")), std::nullopt);
  EXPECT_EQ(previous(ip("::")), std::nullopt);
  EXPECT_EQ(next(ip("2001:db8::ffff")), ip("2001:db8::1:0"));
}

TEST(AddressRange, MasksAndComparesByBits) {
  EXPECT_EQ(masked(ip("203.0.113.200"), 25), ip("203.0.113.128"));
  EXPECT_EQ(masked(ip("203.0.113.200"), 0), ip("0.0.0.0"));
  EXPECT_EQ(masked(ip("203.0.113.200"), 99), ip("203.0.113.200"));
  EXPECT_EQ(masked(ip("2001:db8:1:2::9"), 56), ip("2001:db8:1::"));
  EXPECT_EQ(common_prefix_length(ip("10.0.0.0"), ip("10.0.0.1")), 31U);
  EXPECT_EQ(common_prefix_length(ip("10.0.0.1"), ip("10.0.0.1")), 32U);
  EXPECT_EQ(common_prefix_length(ip("::"), ip("8000::")), 0U);
}

}  // namespace
}  // namespace gslb::base
