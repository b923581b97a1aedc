#include "base/ip_address.h"

#include <gtest/gtest.h>

namespace gslb::base {
namespace {

TEST(IpAddress, IsReadAndWrittenInCanonicalForm) {
  const struct {
    const char* text;
    const char* canonical;
  } rows[] = {{"192.0.2.1", "192.0.2.1"},
              {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
              {"::ffff:192.0.2.1", "::ffff:192.0.2.1"}};
  for (const auto& row : rows) {
    const auto address = parse_ip_address(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(to_string(*address), row.canonical);
  }
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const char* text : {"", " 192.0.2.1", "192.0.2.1 ", "192.0.2", "192.0.2.256", "[::1]",
                           "fe80::1%eth0", "example.com"}) {
    EXPECT_FALSE(parse_ip_address(text)) << text;
  }
  EXPECT_FALSE(parse_ip_address(std::string_view("192.0.2.1\0x", 11)));
}

TEST(SocketAddress, IsReadAndWritten) {
  for (const char* text : {"192.0.2.1:53", "[2001:db8::1]:0", "0.0.0.0:65535"}) {
    const auto address = parse_socket_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
}

TEST(SocketAddress, RefusesAnythingElse) {
  for (const char* text : {"192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1",
                           "192.0.2.1:5x", "::1:53", "[192.0.2.1]:53", "[::1]", ":53", ""}) {
    EXPECT_FALSE(parse_socket_address(text)) << text;
  }
}

TEST(IpAddress, KnowsWhatStaysOnTheHost) {
  for (const char* text : {"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"}) {
    EXPECT_TRUE(is_loopback(*parse_ip_address(text))) << text;
  }
  for (const char* text :
       {"126.255.255.255", "128.0.0.0", "0.0.0.0", "::", "::2", "::ffff:127.0.0.1", "1::1"}) {
    EXPECT_FALSE(is_loopback(*parse_ip_address(text))) << text;
  }
}

TEST(IpAddress, OrdersFamiliesApart) {
  EXPECT_NE(*parse_ip_address("0.0.0.0"), *parse_ip_address("::"));
}

}  // namespace
}  // namespace gslb::base
