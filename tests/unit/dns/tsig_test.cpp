#include "dns/tsig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_snapshot.h"
#include "tests/support/tsig.h"

namespace gslb::dns {
namespace {

using support::SignedMessage;
using support::TsigSecret;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t kNow = 1'700'000'000;
// Of the record of request().
constexpr std::size_t kKeyNameSize = 22;        // transfer.example.com
constexpr std::size_t kFixedSize = 10;          // TYPE, CLASS, TTL, RDLENGTH
constexpr std::size_t kAlgorithmNameSize = 13;  // hmac-sha256

Bytes query() { return support::make_query("static.test", type::kSoa); }

std::optional<TsigExchange> read(const Bytes& message, const TsigKeys& keys,
                                 std::uint64_t now_s = kNow) {
  const auto parts = support::split(message);
  const std::size_t at = parts ? parts->message.size() : query().size();
  return TsigExchange::read(message, at, keys, now_s);
}

/// The verdict on a request as tsig_error, or FORMERR as 1.
std::uint16_t verdict(const SignedMessage& parts, const TsigSecret& secret = {}) {
  const auto keys = support::make_keys(secret);
  const auto exchange = TsigExchange::read(support::join(parts), parts.message.size(), *keys, kNow);
  return exchange ? exchange->error() : rcode::kFormErr;
}

SignedMessage request(std::uint64_t time = kNow) {
  return support::sign_parts(query(), TsigSecret{}, time);
}

/// What signs a response, as the client of `exchange` reads it.
SignedMessage respond(TsigExchange& exchange) {
  Bytes out(1024);
  const Bytes response = query();  // Any message will do.
  std::copy(response.begin(), response.end(), out.begin());
  const std::size_t expected = response.size() + exchange.record_size();
  const std::size_t size = exchange.sign(out, response.size());
  EXPECT_EQ(size, expected);
  out.resize(size);
  const auto parts = support::split(out);
  EXPECT_TRUE(parts);
  return parts.value_or(SignedMessage{});
}

TEST(Tsig, EveryAlgorithmVerifiesAndSigns) {
  for (const char* algorithm : {"hmac-sha256", "hmac-sha384", "hmac-sha512"}) {
    SCOPED_TRACE(algorithm);
    TsigSecret secret;
    secret.algorithm = algorithm;
    const auto keys = support::make_keys(secret);
    const SignedMessage asked = support::sign_parts(query(), secret, kNow);
    auto exchange = read(support::join(asked), *keys);
    ASSERT_TRUE(exchange);
    EXPECT_EQ(exchange->error(), tsig_error::kNone);
    ASSERT_NE(exchange->accepted_key(), nullptr);
    EXPECT_EQ(exchange->accepted_key()->name().to_string(), "transfer.example.com");

    const SignedMessage answered = respond(*exchange);
    EXPECT_EQ(answered.key, "transfer.example.com");
    EXPECT_EQ(answered.algorithm, algorithm);
    EXPECT_EQ(answered.time_signed, kNow);
    EXPECT_EQ(answered.error, tsig_error::kNone);
    EXPECT_EQ(answered.mac, support::mac_of(answered, secret, asked.mac));
  }
}

TEST(Tsig, FurtherMessagesAreChainedToTheOneBefore) {
  const auto keys = support::make_keys();
  auto exchange = read(support::join(request()), *keys);
  ASSERT_TRUE(exchange);
  Bytes prior = respond(*exchange).mac;
  TsigStream stream = exchange->stream();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Bytes out(1024);
    const Bytes message = support::make_query("n" + std::to_string(i), type::kA);
    std::copy(message.begin(), message.end(), out.begin());
    out.resize(stream.sign(out, message.size(), kNow + i));
    const auto parts = support::split(out);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->message, message);
    EXPECT_EQ(parts->time_signed, kNow + i);
    EXPECT_EQ(parts->mac, support::mac_of(*parts, TsigSecret{}, prior, false));
    prior = parts->mac;
  }
}

TEST(Tsig, EveryOctetOfARequestIsProtected) {
  const Bytes good = support::join(request());
  const std::size_t at = request().message.size();
  const auto keys = support::make_keys();
  const std::size_t type_at = at + kKeyNameSize;
  for (std::size_t i = 2; i < good.size(); ++i) {    // All but the id, see below.
    if (i == type_at || i == type_at + 1) continue;  // By which the caller found the record.
    Bytes bent = good;
    bent[i] ^= 1;
    const auto exchange = TsigExchange::read(bent, at, *keys, kNow);
    EXPECT_FALSE(exchange && exchange->accepted_key() != nullptr) << "octet " << i;
  }
}

TEST(Tsig, TheIdMayChangeOnTheWay) {
  Bytes forwarded = support::join(request());
  forwarded[0] ^= 0xFF;
  const auto keys = support::make_keys();
  const auto exchange = read(forwarded, *keys);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->error(), tsig_error::kNone);
}

TEST(Tsig, LetterCaseOfTheNamesDoesNotMatter) {
  Bytes message = support::join(request());
  const std::size_t at = request().message.size();
  const auto raise = [&](std::size_t from, std::size_t size) {
    for (std::uint8_t& octet : std::span(message).subspan(from, size)) {
      if (octet >= 'a' && octet <= 'z') octet = static_cast<std::uint8_t>(octet - 'a' + 'A');
    }
  };
  raise(at, kKeyNameSize);
  raise(at + kKeyNameSize + kFixedSize, kAlgorithmNameSize);
  ASSERT_NE(message, support::join(request()));
  const auto keys = support::make_keys();
  const auto exchange = TsigExchange::read(message, at, *keys, kNow);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->error(), tsig_error::kNone);
}

TEST(Tsig, TheNameOfTheKeyMayBeCompressed) {
  const TsigSecret secret{"static.test", "hmac-sha256", Bytes(32, 1)};
  const SignedMessage parts = support::sign_parts(query(), secret, kNow);
  Bytes message = support::join(parts);
  const auto name_at = message.begin() + static_cast<long>(parts.message.size());
  message.erase(name_at, name_at + 11);
  message[parts.message.size()] = 0xC0;
  message[parts.message.size() + 1] = kHeaderSize;
  const auto keys = support::make_keys(secret);
  const auto exchange = TsigExchange::read(message, parts.message.size(), *keys, kNow);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->error(), tsig_error::kNone);

  message[parts.message.size() + 1] = static_cast<std::uint8_t>(parts.message.size());
  EXPECT_FALSE(TsigExchange::read(message, parts.message.size(), *keys, kNow))
      << "a pointer to itself";
}

TEST(Tsig, WhatIsNotSignedWithOurKeyIsRefusedUnsigned) {
  struct Case {
    const char* what;
    SignedMessage asked;
    std::uint16_t error;
  };
  const TsigSecret other_name{"other.example.com", "hmac-sha256", Bytes(32, 0x5A)};
  const TsigSecret other_algorithm{"transfer.example.com", "hmac-sha512", Bytes(32, 0x5A)};
  const TsigSecret other_secret{"transfer.example.com", "hmac-sha256", Bytes(32, 0x5B)};
  SignedMessage unknown_algorithm = request();
  unknown_algorithm.algorithm = "hmac-md5.sig-alg.reg.int";
  const Case cases[] = {
      {"key", support::sign_parts(query(), other_name, kNow), tsig_error::kBadKey},
      {"algorithm", support::sign_parts(query(), other_algorithm, kNow), tsig_error::kBadKey},
      {"unknown algorithm", unknown_algorithm, tsig_error::kBadKey},
      {"secret", support::sign_parts(query(), other_secret, kNow), tsig_error::kBadSig},
      {"secret and time", support::sign_parts(query(), other_secret, 0), tsig_error::kBadSig},
  };
  const auto keys = support::make_keys();
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    auto exchange = read(support::join(c.asked), *keys);
    ASSERT_TRUE(exchange);
    EXPECT_EQ(exchange->error(), c.error);
    EXPECT_EQ(exchange->accepted_key(), nullptr);
    const SignedMessage answered = respond(*exchange);
    EXPECT_EQ(answered.error, c.error);
    EXPECT_TRUE(answered.mac.empty());
    EXPECT_EQ(answered.key, c.asked.key);
    EXPECT_EQ(answered.algorithm, c.asked.algorithm);
  }
}

TEST(Tsig, TheClocksMayDifferByTheFudge) {
  EXPECT_EQ(verdict(request(kNow - 300)), tsig_error::kNone);
  EXPECT_EQ(verdict(request(kNow + 300)), tsig_error::kNone);
  EXPECT_EQ(verdict(request(kNow - 301)), tsig_error::kBadTime);
  EXPECT_EQ(verdict(request(kNow + 301)), tsig_error::kBadTime);
  EXPECT_EQ(verdict(request(0)), tsig_error::kBadTime);
  EXPECT_EQ(verdict(request((std::uint64_t{1} << 48) - 1)), tsig_error::kBadTime);
}

TEST(Tsig, AClockThatIsOffIsToldTheTimeSigned) {
  SignedMessage asked = request(kNow - 4000);
  asked.fudge = 77;
  asked.mac = support::mac_of(asked, TsigSecret{});
  const auto keys = support::make_keys();
  auto exchange = read(support::join(asked), *keys);
  ASSERT_TRUE(exchange);
  EXPECT_EQ(exchange->accepted_key(), nullptr);
  const SignedMessage answered = respond(*exchange);
  EXPECT_EQ(answered.error, tsig_error::kBadTime);
  EXPECT_EQ(answered.time_signed, kNow - 4000);
  EXPECT_EQ(answered.fudge, 77);
  EXPECT_EQ(answered.other, (Bytes{0, 0, 0x65, 0x53, 0xF1, 0x00}));  // kNow
  EXPECT_EQ(answered.mac, support::mac_of(answered, TsigSecret{}, asked.mac));
}

TEST(Tsig, TruncatedMacs) {
  const std::pair<std::size_t, std::uint16_t> cases[] = {
      {0, rcode::kFormErr},        {9, rcode::kFormErr},        {15, rcode::kFormErr},
      {16, tsig_error::kBadTrunc}, {31, tsig_error::kBadTrunc}, {32, tsig_error::kNone},
      {33, rcode::kFormErr}};
  for (const auto& [size, expected] : cases) {
    SCOPED_TRACE(size);
    SignedMessage asked = request();
    asked.mac.resize(size, 0);
    EXPECT_EQ(verdict(asked), expected);
  }
  SignedMessage forged = request();
  forged.mac.resize(16);
  forged.mac[15] ^= 1;
  EXPECT_EQ(verdict(forged), tsig_error::kBadSig);

  SignedMessage asked = request();
  asked.mac.resize(20);
  const auto keys = support::make_keys();
  auto exchange = read(support::join(asked), *keys);
  ASSERT_TRUE(exchange);
  const SignedMessage answered = respond(*exchange);
  EXPECT_EQ(answered.error, tsig_error::kBadTrunc);
  EXPECT_EQ(answered.mac, support::mac_of(answered, TsigSecret{}, asked.mac));
}

TEST(Tsig, MalformedRecords) {
  const Bytes good = support::join(request());
  const std::size_t at = request().message.size();
  const std::size_t fixed = at + kKeyNameSize;
  const std::size_t rdata = fixed + kFixedSize;
  const auto is_malformed = [&](const Bytes& message) {
    return !TsigExchange::read(message, at, *support::make_keys(), kNow);
  };
  const auto with = [&](std::size_t index, std::uint8_t value) {
    Bytes bent = good;
    bent[index] = value;
    return bent;
  };
  EXPECT_FALSE(is_malformed(good));
  EXPECT_TRUE(is_malformed(with(fixed + 3, 1))) << "class IN";
  EXPECT_TRUE(is_malformed(with(fixed + 7, 1))) << "a TTL";
  EXPECT_TRUE(is_malformed(with(fixed + 9, 1))) << "RDLENGTH";
  EXPECT_TRUE(is_malformed(with(rdata, 0xC0))) << "a compressed algorithm";
  EXPECT_TRUE(is_malformed(with(rdata, 0x40))) << "a label of 64 octets";
  EXPECT_TRUE(is_malformed(with(rdata + kAlgorithmNameSize + 9, 0xFF)))
      << "a MAC beyond the record";
  EXPECT_TRUE(is_malformed(with(good.size() - 1, 1))) << "other data beyond the record";
  for (std::size_t size = at; size < good.size(); ++size) {
    // Exactly so many octets, so that AddressSanitizer sees what is read beyond.
    EXPECT_TRUE(is_malformed(Bytes(good.begin(), good.begin() + static_cast<long>(size)))) << size;
  }
}

TEST(TsigSecret, IsReadFromItsFile) {
  const struct {
    const char* text;
    std::size_t octets;
  } good[] = {
      {"MDEyMzQ1Njc4OTAxMjM0NQ==\n", 16},
      {"# of the backup server\n\n  MDEyMzQ1Njc4OTAxMjM0NTY=  # 17 octets\r\n", 17},
      {"MDEyMzQ1Njc4\nOTAxMjM0NTY3\n", 18},
  };
  for (const auto& c : good) {
    const auto secret = parse_tsig_secret(c.text);
    ASSERT_TRUE(secret) << c.text << secret.error().message;
    EXPECT_EQ(*secret, [&] {
      const std::string digits = "012345678901234567";
      return Bytes(digits.begin(), digits.begin() + static_cast<long>(c.octets));
    }());
  }
}

TEST(TsigSecret, SaysWhatIsWrongWithItsFile) {
  const struct {
    const char* text;
    std::size_t line;
    const char* message;
  } broken[] = {
      {"", 0, "holds no secret"},
      {"# nothing\n", 0, "holds no secret"},
      {"\nkey \"transfer\" {\n", 2, "is no secret in base64 alone"},
      {"MDEyMzQ1Njc4OTAxMjM0NQ==\nMDEyMzQ1Njc4OTAxMjM0NQ==\n", 2, "is no secret in base64 alone"},
      {"MDEyMzQ1Njc4OTAxMjM0NQ", 0, "not whole"},
      {"MDEyMzQ1Njc4OTAxMjM0N===", 0, "not whole"},
      {"MDEyMzQ1Njc4OTAxMjM0", 0, "a secret of 15 octets, not 16 to 1024"},
  };
  for (const auto& c : broken) {
    SCOPED_TRACE(c.text);
    const auto secret = parse_tsig_secret(c.text);
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().line, c.line);
    EXPECT_THAT(secret.error().message, HasSubstr(c.message));
    EXPECT_THAT(secret.error().message, HasSubstr("openssl rand -base64 32"));
  }
}

}  // namespace
}  // namespace gslb::dns
