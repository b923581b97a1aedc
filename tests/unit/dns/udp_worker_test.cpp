#include "dns/udp_worker.h"

#include <gtest/gtest.h>

#include "dns/listen.h"
#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"

namespace gslb::dns {
namespace {

using support::make_query;
using support::UdpClient;

constexpr const char* kVpn = "vpn.gslb.example.com";

std::shared_ptr<const zones::Snapshot> snapshot_with(const std::string& address) {
  support::SnapshotMaker maker;
  const auto site = maker.endpoint("site", {address});
  maker.profile(kVpn, routing::Method::kPriority, {{site, 1, 1}});
  return maker.snapshot();
}

/// Workers on one listen address, with a snapshot published.
class Workers {
 public:
  explicit Workers(const char* listen, unsigned count = 1)
      : published_(snapshot_with("192.0.2.1")) {
    auto sockets = open_listen_sockets(*base::parse_socket_address(listen), count);
    EXPECT_TRUE(sockets) << (sockets ? "" : sockets.error().text);
    address_ = sockets->address;
    for (base::UniqueFd& socket : sockets->udp) {
      workers_.push_back(
          std::make_unique<UdpWorker>(std::move(socket), published_, 1, SipHashKey{}));
      workers_.back()->start();
    }
  }

  base::SocketAddress address() const { return address_; }
  zones::Published& published() { return published_; }
  UdpWorker& worker(std::size_t i) { return *workers_[i]; }

 private:
  zones::Published published_;
  base::SocketAddress address_;
  std::vector<std::unique_ptr<UdpWorker>> workers_;
};

TEST(UdpWorker, AnswersOverBothFamilies) {
  for (const char* listen : {"127.0.0.1:0", "[::1]:0"}) {
    SCOPED_TRACE(listen);
    Workers workers(listen);
    UdpClient client(workers.address());
    const auto response = client.ask(make_query(kVpn, type::kA));
    ASSERT_TRUE(response);
    const auto message = support::parse_message(*response);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->answer.size(), 1U);
  }
}

TEST(UdpWorker, AnswersFromTheQueriedAddress) {
  Workers workers("0.0.0.0:0");
  // A connected client only takes what comes from the address that it asked.
  for (const char* target : {"127.0.0.1", "127.0.0.77"}) {
    SCOPED_TRACE(target);
    UdpClient client({support::ip(target), workers.address().port});
    EXPECT_TRUE(client.ask(make_query(kVpn, type::kA)));
  }
  Workers workers6("[::]:0");
  UdpClient client6({support::ip("::1"), workers6.address().port});
  EXPECT_TRUE(client6.ask(make_query(kVpn, type::kA)));
}

TEST(UdpWorker, AnswersEveryQueryOfABurst) {
  Workers workers("127.0.0.1:0", 2);
  UdpClient client(workers.address());
  constexpr std::uint16_t kBurst = 100;
  for (std::uint16_t id = 0; id < kBurst; ++id) client.send(make_query(kVpn, type::kA, 0, id));
  std::vector<bool> answered(kBurst);
  for (int i = 0; i < kBurst; ++i) {
    const auto response = client.receive();
    ASSERT_TRUE(response) << "only " << i << " responses came";
    answered.at(load_u16(response->data())) = true;
  }
  EXPECT_EQ(std::count(answered.begin(), answered.end(), true), kBurst);
}

TEST(UdpWorker, TakesUpWhatIsPublishedWithTheNextQuery) {
  Workers workers("127.0.0.1:0");
  UdpClient client(workers.address());
  ASSERT_TRUE(client.ask(make_query(kVpn, type::kA)));
  workers.published().publish(snapshot_with("192.0.2.99"));
  const auto response = client.ask(make_query(kVpn, type::kA));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->back(), 99);
}

TEST(UdpWorker, DropsWhatNeedsNoAnswerAndGoesOn) {
  Workers workers("127.0.0.1:0");
  UdpClient client(workers.address());
  std::vector<std::uint8_t> response_bit = make_query(kVpn, type::kA);
  response_bit[2] |= 0x80;
  client.send(response_bit);
  client.send({});
  client.send(std::vector<std::uint8_t>(60'000, 0xff));
  const auto response = client.ask(make_query(kVpn, type::kA, 0, 77));
  ASSERT_TRUE(response);
  EXPECT_EQ(load_u16(response->data()), 77);
  EXPECT_EQ(workers.worker(0).counters().dropped.value(), 3U);
}

TEST(UdpWorker, StopsThoughNothingArrives) {
  Workers workers("127.0.0.1:0");
  const auto before = std::chrono::steady_clock::now();
  workers.worker(0).stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, support::kPatience);
}

TEST(ListenSockets, UdpAndTcpShareThePortThatWasPicked) {
  const auto sockets = open_listen_sockets(*base::parse_socket_address("127.0.0.1:0"), 2);
  ASSERT_TRUE(sockets) << sockets.error().text;
  EXPECT_NE(sockets->address.port, 0);
  EXPECT_EQ(sockets->udp.size(), 2U);
  EXPECT_TRUE(sockets->tcp);
}

TEST(ListenSockets, AHostWithoutIpv6IsToldApartFromAWrongAddress) {
  const auto any = *base::parse_socket_address("[::]:53");
  const auto foreign = *base::parse_socket_address("[2001:db8::1]:53");
  EXPECT_TRUE((ListenError{"", EAFNOSUPPORT}.is_missing_family(foreign)));
  EXPECT_TRUE((ListenError{"", EADDRNOTAVAIL}.is_missing_family(any)));
  EXPECT_FALSE((ListenError{"", EADDRNOTAVAIL}.is_missing_family(foreign)));
  EXPECT_FALSE((ListenError{"", EADDRINUSE}.is_missing_family(any)));
}

TEST(ListenSockets, ASecondServerOnTheSameAddressIsAnError) {
  const auto first = open_listen_sockets(*base::parse_socket_address("127.0.0.1:0"), 1);
  ASSERT_TRUE(first);
  const auto second = open_listen_sockets(first->address, 1);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find("another server listens there"), std::string::npos)
      << second.error().text;
}

TEST(ListenSockets, AForeignAddressIsAnErrorThatSaysSo) {
  const auto sockets = open_listen_sockets(*base::parse_socket_address("192.0.2.1:0"), 1);
  ASSERT_FALSE(sockets);
  EXPECT_NE(sockets.error().text.find("no interface of this host has that address"),
            std::string::npos)
      << sockets.error().text;
}

}  // namespace
}  // namespace gslb::dns
