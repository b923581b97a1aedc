#include "health/ikev2_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/ike_message.h"
#include "tests/unit/health/wait.h"

namespace gslb::health {
namespace {

using boost::asio::ip::udp;
using testing::ContainsRegex;
using testing::HasSubstr;
using Octets = std::vector<std::uint8_t>;
using namespace std::chrono_literals;

const base::IpAddress kLoopback = base::IpAddress::v4({127, 0, 0, 1});

/// One UDP port of a site. `answer` makes a response of a request, or nothing.
class Responder {
 public:
  using Answer = std::function<Octets(const Octets& request)>;

  Responder(boost::asio::io_context& io, Answer answer)
      : socket_(io, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        answer_(std::move(answer)) {
    receive();
  }
  std::uint16_t port() const { return socket_.local_endpoint().port(); }
  const std::vector<Octets>& requests() const { return requests_; }

 private:
  void receive() {
    socket_.async_receive_from(boost::asio::buffer(buffer_), peer_,
                               [this](boost::system::error_code error, std::size_t size) {
                                 if (error) return;
                                 requests_.emplace_back(
                                     buffer_.begin(),
                                     buffer_.begin() + static_cast<std::ptrdiff_t>(size));
                                 const Octets response = answer_(requests_.back());
                                 if (!response.empty())
                                   socket_.send_to(boost::asio::buffer(response), peer_);
                                 receive();
                               });
  }

  udp::socket socket_;
  Answer answer_;
  std::vector<Octets> requests_;
  std::array<std::uint8_t, 2048> buffer_{};
  udp::endpoint peer_;
};

/// A response with one notification to the request that begins at `request`.
Octets notify(std::span<const std::uint8_t> request, std::uint8_t type) {
  Octets response(request.begin(), request.begin() + 8);
  const Octets rest = {9, 9, 9, 9, 9, 9,  9, 9, 41, 0x20, 34, 0x20, 0, 0,
                       0, 0, 0, 0, 0, 36, 0, 0, 0,  8,    0,  0,    0, type};
  response.insert(response.end(), rest.begin(), rest.end());
  return response;
}

constexpr std::uint8_t kNoProposalChosen = 14;
constexpr std::uint8_t kInvalidSyntax = 7;

Octets reject(const Octets& request) { return notify(request, kNoProposalChosen); }
Octets reject_behind_marker(const Octets& request) {
  Octets response(4, 0);
  const Octets message = notify(std::span(request).subspan(4), kNoProposalChosen);
  response.insert(response.end(), message.begin(), message.end());
  return response;
}
Octets silence(const Octets& /*request*/) { return {}; }

class Ikev2ProberTest : public testing::Test {
 protected:
  std::shared_ptr<MonitorSpec> monitor(std::uint16_t port, std::uint16_t nat_port) const {
    auto spec = std::make_shared<MonitorSpec>();
    spec->protocol = Protocol::kIkev2;
    spec->port = port;
    spec->nat_port = nat_port;
    spec->timeout = timeout_;
    return spec;
  }

  ProbeResult probe(std::uint16_t port, std::uint16_t nat_port) {
    std::optional<ProbeResult> result;
    const auto pending = prober_.start(monitor(port, nat_port), kLoopback,
                                       [&](const ProbeResult& found) { result = found; });
    EXPECT_FALSE(result) << "called back inside start()";
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{Outcome::kFailure, "no result", {}});
  }

  /// A port where nothing is.
  std::uint16_t closed_port() { return Responder(io_, silence).port(); }

  std::chrono::milliseconds timeout_{5000};
  boost::asio::io_context io_;
  Ikev2Prober prober_{io_};
};

TEST_F(Ikev2ProberTest, BothPortsAnswer) {
  Responder plain(io_, reject);
  Responder nat(io_, reject_behind_marker);
  const ProbeResult result = probe(plain.port(), nat.port());
  EXPECT_TRUE(result.success()) << result.detail;
  for (const Responder* port : {&plain, &nat}) {
    EXPECT_THAT(result.detail,
                HasSubstr("UDP " + std::to_string(port->port()) + ": answered NO_PROPOSAL_CHOSEN"));
  }
  EXPECT_EQ(plain.requests().size(), 1U);
  // Each port is asked by a stranger.
  EXPECT_FALSE(std::equal(plain.requests()[0].begin(), plain.requests()[0].begin() + 8,
                          nat.requests()[0].begin() + 4));
}

TEST_F(Ikev2ProberTest, APortThatIsZeroIsNotAsked) {
  Responder plain(io_, reject);
  EXPECT_TRUE(probe(plain.port(), 0).success());
  Responder nat(io_, reject_behind_marker);
  EXPECT_TRUE(probe(0, nat.port()).success());
}

TEST_F(Ikev2ProberTest, ClosedPortIsUnreachableAtOnce) {
  Responder plain(io_, reject);
  const std::uint16_t closed = closed_port();
  const ProbeResult result = probe(plain.port(), closed);
  EXPECT_FALSE(result.success());
  EXPECT_EQ(result.detail, "UDP " + std::to_string(closed) + ": port unreachable");
  EXPECT_LT(result.elapsed, 4s);
}

TEST_F(Ikev2ProberTest, SilenceOfOnePortTimesOutAfterThreeEqualRequests) {
  Responder plain(io_, reject);
  Responder nat(io_, silence);
  timeout_ = 700ms;
  const ProbeResult result = probe(plain.port(), nat.port());
  EXPECT_FALSE(result.success());
  EXPECT_EQ(result.detail, "timed out after 700ms: UDP " + std::to_string(nat.port()) +
                               ": no IKE response to 3 IKE_SA_INIT requests; UDP " +
                               std::to_string(plain.port()) + ": answered NO_PROPOSAL_CHOSEN");
  ASSERT_EQ(nat.requests().size(), 3U);
  EXPECT_EQ(nat.requests()[0], nat.requests()[1]);
  EXPECT_EQ(nat.requests()[0], nat.requests()[2]);
}

TEST_F(Ikev2ProberTest, ALostDatagramIsSentAgain) {
  int count = 0;
  Responder plain(io_,
                  [&](const Octets& request) { return ++count < 3 ? Octets() : reject(request); });
  timeout_ = 700ms;
  EXPECT_TRUE(probe(plain.port(), 0).success());
}

TEST_F(Ikev2ProberTest, WhatIsNoResponseIsPassedOverAndTold) {
  timeout_ = 300ms;
  const struct {
    Responder::Answer answer;
    const char* reason;
  } rows[] = {{[](const Octets&) {
                 return Octets{'h', 'i'};
               },
               "it is shorter than an IKE header"},
              {[](const Octets& request) {
                 Octets response = reject(request);
                 response[3] ^= 1U;
                 return response;
               },
               "it has another SPI"},
              {[](const Octets& request) { return request; }, "it is not marked as a response"}};
  for (const auto& row : rows) {
    Responder plain(io_, row.answer);
    const ProbeResult result = probe(plain.port(), 0);
    EXPECT_FALSE(result.success());
    EXPECT_THAT(result.detail, ContainsRegex("but [0-9] datagrams? that (is|are) none"));
    EXPECT_THAT(result.detail, HasSubstr(row.reason));
  }
  // On the other port everything stands behind the marker.
  Responder nat(io_, [](const Octets& request) {
    return notify(std::span(request).subspan(4), kNoProposalChosen);
  });
  EXPECT_THAT(probe(0, nat.port()).detail, HasSubstr("it has no non-ESP marker"));
}

TEST_F(Ikev2ProberTest, AnotherNotificationIsAFailure) {
  Responder plain(io_, [](const Octets& request) { return notify(request, kInvalidSyntax); });
  const ProbeResult result = probe(plain.port(), 0);
  EXPECT_FALSE(result.success());
  EXPECT_THAT(result.detail, HasSubstr("expected an IKE_SA_INIT response, got INVALID_SYNTAX"));
}

TEST_F(Ikev2ProberTest, NoRouteIsToldAtOnce) {
  std::optional<ProbeResult> result;
  const auto pending = prober_.start(monitor(500, 4500), *base::parse_ip_address("255.255.255.255"),
                                     [&](const ProbeResult& found) { result = found; });
  ASSERT_TRUE(run_until(io_, [&] { return result.has_value(); }));
  EXPECT_FALSE(result->success());
  EXPECT_THAT(result->detail, HasSubstr("UDP 500: permission denied"));
}

TEST_F(Ikev2ProberTest, CancelledProbeNeverCallsBack) {
  for (const bool is_started : {false, true}) {
    bool called = false;
    {
      Responder plain(io_, silence);
      auto pending = prober_.start(monitor(plain.port(), 0), kLoopback,
                                   [&](const ProbeResult&) { called = true; });
      if (is_started) {
        ASSERT_TRUE(run_until(io_, [&] { return !plain.requests().empty(); }));
      }
    }
    io_.restart();
    io_.run();  // Returns because neither sockets nor timers are left.
    EXPECT_FALSE(called);
  }
}

TEST_F(Ikev2ProberTest, HandleMayBeDestroyedInTheCallback) {
  Responder plain(io_, reject);
  std::unique_ptr<Pending> pending;
  bool called = false;
  pending = prober_.start(monitor(plain.port(), 0), kLoopback, [&](const ProbeResult&) {
    pending.reset();
    called = true;
  });
  EXPECT_TRUE(run_until(io_, [&] { return called; }));
}

}  // namespace
}  // namespace gslb::health
