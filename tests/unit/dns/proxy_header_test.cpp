#include "dns/proxy_header.h"

#include <gtest/gtest.h>

#include "tests/support/proxy_header.h"
#include "tests/support/test_snapshot.h"

namespace gslb::dns {
namespace {

using State = ProxyHeader::State;
using Bytes = std::vector<std::uint8_t>;
using support::ip;
using support::make_proxy_header;

Bytes with(Bytes header, std::size_t at, std::uint8_t octet) {
  header[at] = octet;
  return header;
}

TEST(ProxyHeader, TellsTheClientOfEitherFamily) {
  for (const char* client : {"192.0.2.1", "2001:db8::1"}) {
    Bytes stream = make_proxy_header(ip(client));
    const std::size_t size = stream.size();
    stream.insert(stream.end(), {0, 12, 1, 2});  // What follows is not its business.
    const ProxyHeader header = parse_proxy_header(stream);
    EXPECT_EQ(header.state, State::kComplete);
    EXPECT_EQ(header.size, size);
    EXPECT_EQ(header.client, ip(client));
  }
}

TEST(ProxyHeader, WaitsForTheRest) {
  const Bytes whole = make_proxy_header(ip("192.0.2.1"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(parse_proxy_header(std::span(whole).first(size)).state, State::kIncomplete) << size;
  }
}

TEST(ProxyHeader, ExtensionsArePassedOver) {
  Bytes header = make_proxy_header(ip("192.0.2.1"));
  header[15] = 12 + 5;
  header.insert(header.end(), {0x04, 0, 2, 1, 2});
  EXPECT_EQ(parse_proxy_header(header).size, header.size());
  EXPECT_EQ(parse_proxy_header(header).client, ip("192.0.2.1"));
}

TEST(ProxyHeader, TheLoadBalancerMaySpeakForItself) {
  const Bytes local = with(make_proxy_header(ip("192.0.2.1")), 12, 0x20);
  EXPECT_EQ(parse_proxy_header(local).state, State::kComplete);
  EXPECT_FALSE(parse_proxy_header(local).client);
  const Bytes unix_socket = with(make_proxy_header(ip("192.0.2.1")), 13, 0x31);
  EXPECT_EQ(parse_proxy_header(unix_socket).state, State::kComplete);
  EXPECT_FALSE(parse_proxy_header(unix_socket).client);
}

TEST(ProxyHeader, RefusesWhatIsNone) {
  const Bytes good = make_proxy_header(ip("192.0.2.1"));
  const struct {
    const char* title;
    Bytes bytes;
  } rows[] = {{"a query", {0, 12, 1, 2}},
              {"a wrong signature", with(good, 11, 0)},
              {"version 1", {'P', 'R', 'O', 'X', 'Y'}},
              {"version 3", with(good, 12, 0x31)},
              {"an unknown command", with(good, 12, 0x22)},
              {"too short for its addresses", with(good, 15, 11)},
              {"longer than is taken", with(good, 14, 0xFF)}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    EXPECT_EQ(parse_proxy_header(row.bytes).state, State::kMalformed);
  }
}

}  // namespace
}  // namespace gslb::dns
