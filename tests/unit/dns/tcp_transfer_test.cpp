#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "dns/listen.h"
#include "dns/tcp_server.h"
#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/tsig.h"
#include "zones/master_file.h"

namespace gslb::dns {
namespace {

using std::chrono::milliseconds;
using support::Bytes;
using support::make_query;
using support::name;
using support::TcpClient;
using support::TsigSecret;

constexpr std::uint32_t kRecords = 3000;

/// A zone large.test of 12 MB, more than the kernel takes for a client that does not read.
std::shared_ptr<const zones::Snapshot> make_snapshot(std::uint8_t filling) {
  support::SnapshotMaker maker;
  zones::ZoneSpec spec = support::example_zone();
  spec.apex = name("large.test");
  spec.nameservers = {{name("ns.example.net"), {}}};
  spec.transfer = zones::TransferSpec{{{support::ip("127.0.0.1"), 32}}, name(TsigSecret{}.name)};
  Bytes text;
  for (int i = 0; i < 16; ++i) {
    text.push_back(255);
    text.insert(text.end(), 255, filling);
  }
  auto file = std::make_shared<zones::MasterFile>();
  for (std::uint32_t i = 0; i < kRecords; ++i) {
    file->records.push_back({name("host" + std::to_string(i) + ".large.test"), type::kTxt,
                             std::chrono::seconds(60), text, 0, i + 1});
  }
  spec.file = std::move(file);
  maker.add_zone(std::move(spec));
  maker.clients().tsig_keys = support::make_keys();
  return maker.snapshot();
}

class TcpTransferTest : public testing::Test {
 protected:
  void start(TcpLimits limits = {}) {
    auto sockets = open_listen_sockets(*base::parse_socket_address("127.0.0.1:0"), 0);
    ASSERT_TRUE(sockets) << sockets.error().text;
    address_ = sockets->address;
    std::vector<TcpListener> listeners;
    listeners.push_back({std::move(sockets->tcp), false});
    server_ = std::make_unique<TcpServer>(std::move(listeners), published_, limits, 1);
    server_->start();
  }

  static Bytes axfr() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return support::sign(
        make_query("large.test", type::kAxfr), TsigSecret{},
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  }

  /// Asks for the zone and takes the first message; the number of its records.
  static std::size_t begin(TcpClient& client) {
    EXPECT_TRUE(client.send(axfr()));
    const auto response = client.receive();
    const auto message = response ? support::parse_message(*response) : std::nullopt;
    EXPECT_TRUE(message && message->rcode == "NOERROR");
    return message ? message->answer.size() : 0;
  }

  /// Of the client that begin() was called for; others are served meanwhile.
  void expect_to_be_cut_off() {
    const auto until = std::chrono::steady_clock::now() + support::kPatience;
    while (server_->counters().tcp_timed_out.value() == 0 &&
           std::chrono::steady_clock::now() < until) {
      TcpClient other(address_);
      EXPECT_EQ(soa_rcode(other), "NOERROR");
    }
    EXPECT_EQ(server_->counters().tcp_timed_out.value(), 1U);
  }

  static std::string soa_rcode(TcpClient& client) {
    EXPECT_TRUE(client.send(make_query("gslb.example.com", type::kSoa, 0, 0x77)));
    return next_rcode(client);
  }

  static std::string next_rcode(TcpClient& client) {
    const auto response = client.receive();
    const auto message = response ? support::parse_message(*response) : std::nullopt;
    return message ? message->rcode : "no response";
  }

  /// Takes the messages of a transfer up to the last SOA; the number of records. `begun` is what
  /// begin() has taken.
  static std::size_t take_zone(TcpClient& client, char filling, std::size_t begun = 0) {
    std::size_t records = begun;
    for (int soas = begun > 0 ? 1 : 0; soas < 2;) {
      const auto response = client.receive();
      const auto message = response ? support::parse_message(*response) : std::nullopt;
      EXPECT_TRUE(message) << "the transfer breaks off after " << records << " records";
      if (!message) return records;
      EXPECT_EQ(message->rcode, "NOERROR");
      EXPECT_LE(response->size(), 16'384U);
      records += message->answer.size();
      for (const std::string& record : message->answer) {
        if (record.find(" SOA ") != std::string::npos) ++soas;
        const std::size_t text = record.find('"');
        EXPECT_TRUE(text == std::string::npos || record[text + 1] == filling);
      }
    }
    return records;
  }

  zones::Published published_{make_snapshot('a')};
  base::SocketAddress address_;
  std::unique_ptr<TcpServer> server_;
};

constexpr std::size_t kAll = kRecords + 3;  // NS, and SOA twice.

TEST_F(TcpTransferTest, SendsTheZoneAndThenAnswersWhatCameBehind) {
  start();
  TcpClient client(address_);
  ASSERT_TRUE(client.send(axfr()));
  ASSERT_TRUE(client.send(make_query("gslb.example.com", type::kSoa, 0, 0x77)));
  ASSERT_TRUE(client.send(axfr()));
  EXPECT_EQ(take_zone(client, 'a'), kAll);
  const auto response = client.receive();
  ASSERT_TRUE(response);
  EXPECT_EQ(load_u16(response->data()), 0x77);
  EXPECT_EQ(take_zone(client, 'a'), kAll);
}

TEST_F(TcpTransferTest, AnswersOthersMeanwhile) {
  start();
  TcpClient slow(address_);
  const std::size_t begun = begin(slow);
  TcpClient other(address_);
  EXPECT_EQ(soa_rcode(other), "NOERROR");
  EXPECT_EQ(take_zone(slow, 'a', begun), kAll);
}

TEST_F(TcpTransferTest, AChangedZoneDoesNotDisturbIt) {
  TcpLimits limits;
  limits.write_timeout = support::kPatience;  // The first client waits while the other is served.
  start(limits);
  TcpClient client(address_);
  const std::size_t begun = begin(client);
  published_.publish(make_snapshot('b'));
  TcpClient other(address_);
  ASSERT_TRUE(other.send(axfr()));
  EXPECT_EQ(take_zone(other, 'b'), kAll);
  EXPECT_EQ(take_zone(client, 'a', begun), kAll);
}

TEST_F(TcpTransferTest, OnlySoManyAtATime) {
  TcpLimits limits;
  limits.transfers = 1;
  start(limits);
  auto first = std::make_unique<TcpClient>(address_);
  begin(*first);
  TcpClient second(address_);
  ASSERT_TRUE(second.send(axfr()));
  EXPECT_EQ(next_rcode(second), "SERVFAIL");
  // Its place is free once it is gone.
  first.reset();
  std::optional<support::Message> message;
  for (const auto until = std::chrono::steady_clock::now() + support::kPatience;
       std::chrono::steady_clock::now() < until;) {
    ASSERT_TRUE(second.send(axfr()));
    const auto response = second.receive();
    ASSERT_TRUE(response);
    message = support::parse_message(*response);
    if (message->rcode != "SERVFAIL") break;
  }
  EXPECT_EQ(message->rcode, "NOERROR");
  EXPECT_EQ(take_zone(second, 'a', message->answer.size()), kAll);
  // And once it has the whole zone.
  ASSERT_TRUE(second.send(axfr()));
  EXPECT_EQ(take_zone(second, 'a'), kAll);
}

TEST_F(TcpTransferTest, CutsOffAClientThatDoesNotRead) {
  TcpLimits limits;
  limits.write_timeout = milliseconds(200);
  start(limits);
  TcpClient client(address_);
  begin(client);
  expect_to_be_cut_off();
}

TEST_F(TcpTransferTest, NoTransferTakesForEver) {
  TcpLimits limits;
  limits.write_timeout = milliseconds(60'000);
  limits.transfer_timeout = milliseconds(200);
  start(limits);
  TcpClient client(address_);
  begin(client);
  expect_to_be_cut_off();
}

TEST_F(TcpTransferTest, OneUnderWayIsNotIdle) {
  TcpLimits limits;
  limits.connections = 2;
  start(limits);
  TcpClient transferring(address_);
  const std::size_t begun = begin(transferring);
  TcpClient idle(address_);
  EXPECT_EQ(soa_rcode(idle), "NOERROR");
  // Beyond what was on the way already when the other one was active.
  for (std::size_t i = 0; i < kRecords / 3 - 100; ++i) ASSERT_TRUE(transferring.receive());
  TcpClient fresh(address_);
  EXPECT_EQ(soa_rcode(fresh), "NOERROR");
  EXPECT_TRUE(idle.is_closed_within());
  EXPECT_GT(take_zone(transferring, 'a', begun), begun);
}

TEST_F(TcpTransferTest, StopsInTheMiddle) {
  TcpLimits limits;
  limits.write_timeout = milliseconds(200);
  start(limits);
  TcpClient client(address_);
  begin(client);
  server_->stop();
  EXPECT_TRUE(client.is_closed_within());
}

}  // namespace
}  // namespace gslb::dns
