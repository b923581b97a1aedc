#include "base/address_prefix.h"

#include <gtest/gtest.h>

namespace gslb::base {
namespace {

TEST(AddressPrefix, HoldsTheAddressesThatBeginAlike) {
  const struct {
    const char* network;
    std::uint8_t length;
    const char* address;
    bool contained;
  } rows[] = {{"10.0.0.0", 8, "10.255.0.1", true},
              {"10.0.0.0", 8, "11.0.0.1", false},
              {"192.0.2.128", 25, "192.0.2.200", true},
              {"192.0.2.128", 25, "192.0.2.127", false},
              {"192.0.2.1", 32, "192.0.2.1", true},
              {"192.0.2.1", 32, "192.0.2.2", false},
              {"0.0.0.0", 0, "203.0.113.1", true},
              {"0.0.0.0", 0, "::1", false},
              {"2001:db8::", 33, "2001:db8:7fff::1", true},
              {"2001:db8::", 33, "2001:db8:8000::1", false},
              {"::", 0, "2001:db8::1", true}};
  for (const auto& row : rows) {
    const AddressPrefix prefix{*parse_ip_address(row.network), row.length};
    EXPECT_EQ(prefix.contains(*parse_ip_address(row.address)), row.contained)
        << row.network << "/" << int{row.length} << " " << row.address;
  }
}

}  // namespace
}  // namespace gslb::base
