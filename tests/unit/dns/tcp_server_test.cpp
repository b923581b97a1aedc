#include "dns/tcp_server.h"

#include <gtest/gtest.h>

#include <list>

#include "dns/listen.h"
#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/message.h"
#include "tests/support/proxy_header.h"
#include "tests/support/test_snapshot.h"

namespace gslb::dns {
namespace {

using std::chrono::milliseconds;
using support::Bytes;
using support::make_query;
using support::TcpClient;

constexpr const char* kVpn = "vpn.gslb.example.com";

std::shared_ptr<const zones::Snapshot> example_snapshot() {
  support::SnapshotMaker maker;
  std::vector<std::string> addresses;
  for (int i = 1; i <= 200; ++i) addresses.push_back("198.51.100." + std::to_string(i));
  const auto site = maker.endpoint("site", {"203.0.113.10"});
  const auto fat = maker.endpoint("fat", addresses);
  maker.profile(kVpn, routing::Method::kPriority, {{site, 1, 1}});
  maker.profile("fat.gslb.example.com", routing::Method::kPriority, {{fat, 1, 1}});
  return maker.snapshot();
}

class TcpServerTest : public testing::Test {
 protected:
  void start(TcpLimits limits = {}, const char* listen = "127.0.0.1:0") {
    auto sockets = open_listen_sockets(*base::parse_socket_address(listen), 0);
    ASSERT_TRUE(sockets) << sockets.error().text;
    address_ = sockets->address;
    std::vector<TcpListener> listeners;
    listeners.push_back({std::move(sockets->tcp), false});
    server_ = std::make_unique<TcpServer>(std::move(listeners), published_, limits, 1);
    server_->start();
  }

  const Counters& counters() const { return server_->counters(); }

  zones::Published published_{example_snapshot()};
  base::SocketAddress address_;
  std::unique_ptr<TcpServer> server_;
};

TEST_F(TcpServerTest, AnswersSeveralQueriesOnOneConnection) {
  start();
  TcpClient client(address_);
  for (std::uint16_t id = 1; id <= 3; ++id) {
    ASSERT_TRUE(client.send(make_query(kVpn, type::kA, 0, id)));
    const auto response = client.receive();
    ASSERT_TRUE(response);
    EXPECT_EQ(load_u16(response->data()), id);
  }
}

TEST_F(TcpServerTest, AnswersOverIpv6) {
  start({}, "[::1]:0");
  TcpClient client(address_);
  ASSERT_TRUE(client.send(make_query(kVpn, type::kA)));
  EXPECT_TRUE(client.receive());
}

TEST_F(TcpServerTest, AnswersPipelinedQueriesInOrder) {
  start();
  TcpClient client(address_);
  constexpr std::uint16_t kQueries = 500;
  Bytes all;
  for (std::uint16_t id = 0; id < kQueries; ++id) {
    const Bytes one = support::with_length(make_query(kVpn, type::kA, 0, id));
    all.insert(all.end(), one.begin(), one.end());
  }
  ASSERT_TRUE(client.send_raw(all));
  for (std::uint16_t id = 0; id < kQueries; ++id) {
    const auto response = client.receive();
    ASSERT_TRUE(response) << id;
    EXPECT_EQ(load_u16(response->data()), id);
  }
}

TEST_F(TcpServerTest, TakesAQueryOctetByOctet) {
  start();
  TcpClient client(address_);
  for (const std::uint8_t octet : support::with_length(make_query(kVpn, type::kA))) {
    ASSERT_TRUE(client.send_raw(Bytes{octet}));
  }
  EXPECT_TRUE(client.receive());
}

TEST_F(TcpServerTest, AnswersWhatCameBeforeTheEndOfTheStream) {
  start();
  TcpClient client(address_);
  ASSERT_TRUE(client.send(make_query(kVpn, type::kA)));
  client.shut_down_sending();
  EXPECT_TRUE(client.receive());
  EXPECT_TRUE(client.is_closed_within());
}

TEST_F(TcpServerTest, SendsWhatDoesNotFitOverUdp) {
  start();
  TcpClient client(address_);
  ASSERT_TRUE(client.send(make_query("fat.gslb.example.com", type::kA)));
  const auto response = client.receive();
  ASSERT_TRUE(response);
  const auto message = support::parse_message(*response);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->tc);
  EXPECT_EQ(message->answer.size(), 200U);
}

TEST_F(TcpServerTest, ClosesIdleConnections) {
  TcpLimits limits;
  limits.idle_timeout = milliseconds{50};
  start(limits);
  TcpClient client(address_);
  EXPECT_TRUE(client.is_closed_within());
  EXPECT_EQ(counters().tcp_timed_out.value(), 1U);
}

TEST_F(TcpServerTest, TrickledOctetsDoNotProlongTheWait) {
  TcpLimits limits;
  limits.idle_timeout = milliseconds{200};
  start(limits);
  TcpClient client(address_);
  // Octets come far more often than the timeout, but never a whole query.
  const Bytes query = support::with_length(make_query(kVpn, type::kA));
  const auto start_time = std::chrono::steady_clock::now();
  bool closed = false;
  for (std::size_t i = 0; i + 1 < query.size() && !closed; ++i) {
    client.send_raw(Bytes{query[i]});
    closed = client.is_closed_within(milliseconds{20});
  }
  closed = closed || client.is_closed_within();
  EXPECT_TRUE(closed);
  EXPECT_EQ(counters().tcp_timed_out.value(), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - start_time, support::kPatience);
}

TEST_F(TcpServerTest, CutsOffAClientThatDoesNotRead) {
  TcpLimits limits;
  limits.write_timeout = milliseconds{100};
  start(limits);
  TcpClient client(address_);
  Bytes all;
  for (int i = 0; i < 2000; ++i) {
    const Bytes one = support::with_length(make_query("fat.gslb.example.com", type::kA));
    all.insert(all.end(), one.begin(), one.end());
  }
  // About 6 MB of responses to 80 kB of queries fill every buffer in between.
  client.send_raw(all);
  const auto patience = std::chrono::steady_clock::now() + support::kPatience;
  while (counters().tcp_timed_out.value() == 0 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  EXPECT_EQ(counters().tcp_timed_out.value(), 1U);
  // Others are served meanwhile and after.
  TcpClient other(address_);
  ASSERT_TRUE(other.send(make_query(kVpn, type::kA)));
  EXPECT_TRUE(other.receive());
}

TEST_F(TcpServerTest, EndsTheConnectionOnWhatIsNoQuery) {
  start();
  const Bytes oversized = {0xff, 0xff, 0};
  const Bytes empty_message = {0, 0};
  const Bytes too_short = {0, 3, 1, 2, 3};
  for (const Bytes& bytes : {oversized, empty_message, too_short}) {
    TcpClient client(address_);
    ASSERT_TRUE(client.send(make_query(kVpn, type::kA)));
    ASSERT_TRUE(client.send_raw(bytes));
    EXPECT_TRUE(client.receive()) << "what came before is still answered";
    EXPECT_TRUE(client.is_closed_within());
  }
}

TEST_F(TcpServerTest, OneClientCannotTakeAllConnections) {
  TcpLimits limits;
  limits.connections_per_client = 2;
  start(limits);
  std::list<TcpClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(address_);
    ASSERT_TRUE(clients.back().send(make_query(kVpn, type::kA)));
    ASSERT_TRUE(clients.back().receive());
  }
  TcpClient third(address_);
  EXPECT_TRUE(third.is_closed_within());
  EXPECT_EQ(counters().tcp_rejected.value(), 1U);

  clients.pop_front();
  // The server learns of it when it reads; until then a new one may still be refused.
  const auto patience = std::chrono::steady_clock::now() + support::kPatience;
  std::optional<Bytes> response;
  while (!response && std::chrono::steady_clock::now() < patience) {
    TcpClient again(address_);
    if (again.send(make_query(kVpn, type::kA))) response = again.receive(milliseconds{500});
  }
  EXPECT_TRUE(response);
}

TEST_F(TcpServerTest, WhenFullTheOneIdleForLongestMakesRoom) {
  TcpLimits limits;
  limits.connections = 2;
  start(limits);
  TcpClient first(address_), second(address_);
  for (TcpClient* client : {&first, &second, &first}) {
    ASSERT_TRUE(client->send(make_query(kVpn, type::kA)));
    ASSERT_TRUE(client->receive());
  }
  TcpClient third(address_);
  ASSERT_TRUE(third.send(make_query(kVpn, type::kA)));
  EXPECT_TRUE(third.receive());
  EXPECT_TRUE(second.is_closed_within());
  ASSERT_TRUE(first.send(make_query(kVpn, type::kA)));
  EXPECT_TRUE(first.receive());
  EXPECT_EQ(counters().tcp_evicted.value(), 1U);
}

TEST_F(TcpServerTest, ALoadBalancerTellsWhoAsks) {
  support::SnapshotMaker maker;
  maker.clients().proxy_from = {{support::ip("127.0.0.0"), 8}};
  const auto site = maker.endpoint("site", {"203.0.113.10"});
  maker.profile(kVpn, routing::Method::kPriority, {{site, 1, 1}});
  published_.publish(maker.snapshot());
  TcpLimits limits;
  limits.connections_per_client = 1;
  limits.idle_timeout = milliseconds{1000};
  start(limits);

  // Two clients behind one load balancer, each with the one connection that it may have.
  TcpClient first(address_), second(address_);
  Bytes opening = support::make_proxy_header(support::ip("192.0.2.1"));
  const Bytes query = support::with_length(make_query(kVpn, type::kA));
  opening.insert(opening.end(), query.begin(), query.end());  // All in one segment.
  ASSERT_TRUE(first.send_raw(opening));
  EXPECT_TRUE(first.receive());
  for (const std::uint8_t octet : support::make_proxy_header(support::ip("2001:db8::1"))) {
    ASSERT_TRUE(second.send_raw(Bytes{octet}));
  }
  ASSERT_TRUE(second.send(make_query(kVpn, type::kA)));
  EXPECT_TRUE(second.receive());

  TcpClient again(address_);
  ASSERT_TRUE(again.send_raw(opening));
  EXPECT_TRUE(again.is_closed_within()) << "a second connection of the first client";
  TcpClient without_header(address_);
  ASSERT_TRUE(without_header.send(make_query(kVpn, type::kA)));
  EXPECT_TRUE(without_header.is_closed_within());
  TcpClient silent(address_);
  EXPECT_TRUE(silent.is_closed_within());
}

TEST_F(TcpServerTest, StopsWithConnectionsOpen) {
  start();
  TcpClient client(address_);
  ASSERT_TRUE(client.send(make_query(kVpn, type::kA)));
  ASSERT_TRUE(client.receive());
  server_->stop();
  EXPECT_TRUE(client.is_closed_within());
}

}  // namespace
}  // namespace gslb::dns
