#include "health/ike_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace gslb::health {
namespace {

using Kind = IkeResponse::Kind;
using Octets = std::vector<std::uint8_t>;

constexpr IkeSpi kSpi{1, 2, 3, 4, 5, 6, 7, 8};

IkeSecrets secrets() {
  IkeSecrets made;
  made.spi = kSpi;
  made.nonce.fill(0xaa);
  made.key_exchange.fill(0x55);
  return made;
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A payload; its length is filled in.
Octets payload(std::uint8_t next, const Octets& body) {
  return Octets{next, 0, 0, static_cast<std::uint8_t>(body.size() + 4)} + body;
}
Octets notify(std::uint8_t next, std::uint16_t type) {
  return payload(next,
                 {0, 0, static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type)});
}

/// A response as a responder sends it.
Octets response(std::uint8_t first, const Octets& payloads) {
  Octets message(kSpi.begin(), kSpi.end());
  message = message + Octets{9,  9,    9, 9,     9,
                             9,  9,    9, first, 0x20,
                             34, 0x20, 0, 0,     0,
                             0,  0,    0, 0,     static_cast<std::uint8_t>(28 + payloads.size())};
  return message + payloads;
}

TEST(IkeSaInit, IsLaidOutAsRfc7296Has) {
  const Octets message = make_ike_sa_init(secrets(), IkeMode::kReject);
  const Octets head = {
      1,  2, 3,  4,    5,  6,  7,    8,    0, 0, 0, 0, 0, 0,
      0,  0, 33, 0x20, 34, 8,  0,    0,    0, 0, 0, 0, 1, 0x74,  // 372 octets
      34, 0, 0,  44,                                             // SA, before KE
      0,  0, 0,  40,   1,  1,  0,    4,     // the only proposal: IKE, no SPI, 4 transforms
      3,  0, 0,  8,    1,  0,  0xff, 0xff,  // ENCR for private use
      3,  0, 0,  8,    2,  0,  0,    5,     // PRF_HMAC_SHA2_256
      3,  0, 0,  8,    3,  0,  0,    12,    // AUTH_HMAC_SHA2_256_128
      0,  0, 0,  8,    4,  0,  0,    14,    // 2048-bit MODP
      40, 0, 1,  8,    0,  14, 0,    0};    // KE of that group, before the nonce
  const Octets nonce = payload(0, Octets(32, 0xaa));
  EXPECT_EQ(message, head + Octets(256, 0x55) + nonce);
}

TEST(IkeSaInit, OffersRealCiphersToNegotiate) {
  const Octets message = make_ike_sa_init(secrets(), IkeMode::kNegotiate);
  const Octets aes256 = {3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0};
  EXPECT_NE(std::search(message.begin(), message.end(), aes256.begin(), aes256.end()),
            message.end());
  EXPECT_EQ(message.size(), std::size_t{message[26]} << 8 | message[27]);
}

TEST(IkeSecrets, DifferAndAreValid) {
  const IkeSecrets a = IkeSecrets::draw();
  const IkeSecrets b = IkeSecrets::draw();
  EXPECT_NE(a.spi, b.spi);
  EXPECT_NE(a.nonce, b.nonce);
  EXPECT_NE(a.key_exchange, b.key_exchange);
  EXPECT_NE(a.spi, IkeSpi{});
  EXPECT_LT(a.key_exchange[0], 0x80);
}

TEST(IkeResponse, HealthyAnswersAreTold) {
  const struct {
    Octets message;
    Kind kind;
    const char* text;
  } rows[] = {
      {response(33, payload(34, Octets(40, 0)) + payload(40, Octets(8, 0)) + payload(0, {1, 2})),
       Kind::kAccepted, "a chosen proposal"},
      {response(41, notify(0, 14)), Kind::kNoProposalChosen, "NO_PROPOSAL_CHOSEN"},
      {response(41, notify(0, 17)), Kind::kInvalidKePayload, "INVALID_KE_PAYLOAD"},
      {response(41, notify(0, 16390)), Kind::kCookie, "COOKIE"},
      // With NAT_DETECTION_SOURCE_IP before it.
      {response(41, notify(41, 16388) + notify(0, 14)), Kind::kNoProposalChosen,
       "NO_PROPOSAL_CHOSEN"}};
  for (const auto& row : rows) {
    const auto read = parse_ike_response(row.message, kSpi);
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->kind, row.kind);
    EXPECT_TRUE(read->is_healthy());
    EXPECT_EQ(describe(*read), row.text);
  }
}

TEST(IkeResponse, OtherNotificationsAreNotHealthy) {
  const struct {
    Octets message;
    const char* text;
  } rows[] = {{response(41, notify(0, 5)), "INVALID_MAJOR_VERSION"},
              {response(41, notify(0, 7)), "INVALID_SYNTAX"},
              {response(41, notify(0, 12345)), "notification 12345"},
              {response(0, {}), "neither a proposal nor a notification"}};
  for (const auto& row : rows) {
    const auto read = parse_ike_response(row.message, kSpi);
    ASSERT_TRUE(read) << read.error();
    EXPECT_FALSE(read->is_healthy());
    EXPECT_EQ(describe(*read), row.text);
  }
}

TEST(IkeResponse, WhatIsNoneIsRefusedWithItsReason) {
  const Octets good = response(41, notify(0, 14));
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Octets changed = good;
    changed[at] = value;
    return changed;
  };
  const struct {
    Octets message;
    const char* error;
  } rows[] = {{{}, "it is shorter than an IKE header"},
              {Octets(27, 1), "it is shorter than an IKE header"},
              {with(0, 99), "it has another SPI"},
              {with(17, 0x10), "it is not of IKE version 2"},
              {with(18, 35), "it is of another exchange"},
              {with(19, 0x08), "it is not marked as a response"},
              {with(19, 0x28), "it is not marked as a response"},
              {with(23, 1), "it has another message ID"},
              {with(24, 1), "its length is not that of the datagram"},
              {with(27, 35), "its length is not that of the datagram"},
              {with(31, 9), "a payload is cut off"},
              {with(31, 3), "a payload is cut off"},
              {with(28, 41), "a payload is cut off"},
              {response(41, payload(0, {0, 0, 0})), "a notification is cut off"},
              {response(0, {0}), "octets follow its last payload"}};
  for (const auto& row : rows) {
    const auto read = parse_ike_response(row.message, kSpi);
    ASSERT_FALSE(read) << row.error;
    EXPECT_EQ(read.error(), row.error);
  }
}

TEST(IkeResponse, AnyOctetsGetAVerdict) {
  std::mt19937 random(7);
  const Octets good = response(41, notify(41, 16388) + notify(0, 14));
  for (int i = 0; i < 200'000; ++i) {
    Octets message = good;
    for (unsigned change = 0; change < 1 + random() % 3; ++change) {
      message[8 + random() % (message.size() - 8)] = static_cast<std::uint8_t>(random());
    }
    message.resize(message.size() - random() % 4 * (random() % 8));
    const auto read = parse_ike_response(message, kSpi);
    EXPECT_FALSE(read ? describe(*read).empty() : read.error().empty());
  }
}

}  // namespace
}  // namespace gslb::health
