#include "dns/cookie.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/allocation_counter.h"

namespace gslb::dns {
namespace {

using testing::HasSubstr;
using testing::Not;

using Bytes = std::vector<std::uint8_t>;

// RFC 9018, appendix A.
constexpr const char* kSecret = "e5e973e5a6b2a43f48e7dc849e37bfcf";
constexpr const char* kOldSecret = "dd3bdf9344b678b185a6f5cb60fca715";
constexpr const char* kNewSecret = "445536bcd2513298075a5d379663c962";
constexpr std::uint32_t kIssued = 1559731985;
constexpr const char* kCookie = "2464c4abcf10c957010000005cf79f111f8130c3eee29480";

Bytes unhex(const std::string& digits) {
  Bytes octets;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    octets.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return octets;
}

base::IpAddress ip(std::string_view text) {
  const auto address = base::parse_ip_address(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(base::IpAddress());
}

CookieKeys keys(const std::string& file) {
  const auto parsed = parse_cookie_keys(file);
  EXPECT_TRUE(parsed) << file;
  return parsed.value_or(CookieKeys(SipHashKey{}));
}

Bytes make(const CookieKeys& keys, const Bytes& query, const base::IpAddress& client,
           std::uint32_t now_s) {
  const Cookie cookie = keys.make(std::span(query).first<kClientCookieSize>(), client, now_s);
  return {cookie.begin(), cookie.end()};
}

TEST(Cookie, AnswersAsInTheRfc) {
  const std::string rolled_over = std::string(kNewSecret) + "\n" + kOldSecret + "\n";
  const struct {
    const char* name;
    std::string keys;
    const char* client;
    const char* query;
    std::uint32_t received;
    CookieVerdict verdict;
    std::uint32_t answered;
    const char* answer;
  } rows[] = {
      {"A.1, a new cookie", kSecret, "198.51.100.100", "2464c4abcf10c957", kIssued,
       CookieVerdict::kClientOnly, kIssued, kCookie},
      {"A.2, a renewed cookie", kSecret, "198.51.100.100", kCookie, 1559734385,
       CookieVerdict::kValidRenew, 1559734385, "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
      // The appendix answers it at 1559734700, when it has been expired for 52 minutes.
      {"A.3, reserved octets that are not zero", kSecret, "203.0.113.203",
       "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", 1559727985, CookieVerdict::kValid,
       1559734700, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
      {"A.4, IPv6 and a secret rolled over", rolled_over, "2001:db8:220:1:59de:d0f4:8769:82b8",
       "22681ab97d52c298010000005cf7c57926556bd0934c72f8", 1559741961, CookieVerdict::kValidRenew,
       1559741961, "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
  };
  for (const auto& row : rows) {
    const CookieKeys secrets = keys(row.keys);
    const Bytes query = unhex(row.query);
    EXPECT_EQ(secrets.verify(query, ip(row.client), row.received), row.verdict) << row.name;
    const Bytes answer = make(secrets, query, ip(row.client), row.answered);
    EXPECT_EQ(answer, unhex(row.answer)) << row.name;
    EXPECT_EQ(secrets.verify(answer, ip(row.client), row.answered), CookieVerdict::kValid)
        << row.name;
  }
}

TEST(Cookie, IsJudgedByItsLength) {
  const CookieKeys secrets = keys(kSecret);
  for (std::size_t size = 0; size <= 64; ++size) {
    Bytes option = unhex(kCookie);
    option.resize(size);
    CookieVerdict expected = CookieVerdict::kMalformed;
    if (size >= 16 && size <= 40) expected = CookieVerdict::kBad;  // Of another kind of server.
    if (size == 8) expected = CookieVerdict::kClientOnly;
    if (size == 24) expected = CookieVerdict::kValid;
    EXPECT_EQ(secrets.verify(option, ip("198.51.100.100"), kIssued), expected) << size;
  }
}

TEST(Cookie, IsJudgedByItsAge) {
  const CookieKeys secrets = keys(kSecret);
  const struct {
    const char* name;
    std::int64_t age;
    CookieVerdict verdict;
  } rows[] = {
      {"new", 0, CookieVerdict::kValid},
      {"half an hour", 1800, CookieVerdict::kValid},
      {"more than half an hour", 1801, CookieVerdict::kValidRenew},
      {"an hour", 3600, CookieVerdict::kValidRenew},
      {"more than an hour", 3601, CookieVerdict::kBad},
      {"a day", 86'400, CookieVerdict::kBad},
      {"five minutes ahead", -300, CookieVerdict::kValid},
      {"more than five minutes ahead", -301, CookieVerdict::kBad},
      {"a day ahead", -86'400, CookieVerdict::kBad},
      {"half the circle", std::int64_t{1} << 31, CookieVerdict::kBad},
      {"almost half the circle ahead", -(std::int64_t{1} << 31) + 1, CookieVerdict::kBad},
  };
  const base::IpAddress client = ip("2001:db8::53");
  // The middle of the circle, both sides of its end, and both sides of the sign bit.
  for (const std::uint32_t issued :
       {kIssued, 0xFFFF'FFFFU, 0xFFFF'FF00U, 0U, 100U, 0x7FFF'FFFFU, 0x8000'0000U, 0x8000'0100U}) {
    const Bytes cookie = make(secrets, unhex("0011223344556677"), client, issued);
    for (const auto& row : rows) {
      const auto now = static_cast<std::uint32_t>(issued + row.age);
      EXPECT_EQ(secrets.verify(cookie, client, now), row.verdict) << row.name << " of " << issued;
    }
  }
}

TEST(Cookie, HoldsForNothingElse) {
  const CookieKeys secrets = keys(kSecret);
  const base::IpAddress client = ip("198.51.100.100");
  // Each single bit counts.
  for (std::size_t bit = 0; bit < 8 * kCookieSize; ++bit) {
    Bytes cookie = unhex(kCookie);
    cookie[bit / 8] = static_cast<std::uint8_t>(cookie[bit / 8] ^ 1 << bit % 8);
    EXPECT_EQ(secrets.verify(cookie, client, kIssued), CookieVerdict::kBad) << "bit " << bit;
  }
  EXPECT_EQ(secrets.verify(unhex(kCookie), ip("198.51.100.101"), kIssued), CookieVerdict::kBad);
  EXPECT_EQ(secrets.verify(unhex(kCookie), ip("::c633:6464"), kIssued), CookieVerdict::kBad);
  EXPECT_EQ(keys(kNewSecret).verify(unhex(kCookie), client, kIssued), CookieVerdict::kBad);
}

TEST(Cookie, OfAnotherVersionIsBadThoughItsHashIsRight) {
  const Bytes secret = unhex(kSecret);
  const SipHashKey key = make_siphash_key(std::span<const std::uint8_t, kSipHashKeySize>(secret));
  for (const unsigned version : {0U, 1U, 2U, 255U}) {
    Bytes cookie = unhex(kCookie);
    cookie[8] = static_cast<std::uint8_t>(version);
    Bytes hashed(cookie.begin(), cookie.begin() + 16);
    hashed.insert(hashed.end(), {198, 51, 100, 100});
    std::uint64_t hash = siphash<2, 4>(key, hashed);
    for (std::size_t i = 16; i < kCookieSize; ++i, hash >>= 8) {
      cookie[i] = static_cast<std::uint8_t>(hash);
    }
    EXPECT_EQ(keys(kSecret).verify(cookie, ip("198.51.100.100"), kIssued),
              version == 1 ? CookieVerdict::kValid : CookieVerdict::kBad)
        << version;
  }
}

TEST(Cookie, IsTheSameForAnIpv4MappedAddress) {
  EXPECT_EQ(keys(kSecret).verify(unhex(kCookie), ip("::ffff:198.51.100.100"), kIssued),
            CookieVerdict::kValid);
}

TEST(Cookie, SurvivesARolloverOfTheSecret) {
  const base::IpAddress client = ip("192.0.2.1");
  const Bytes query = unhex("0011223344556677");
  // RFC 9018 §5: the new secret verifies first, then makes, then is alone. Two servers are never
  // more than one stage apart.
  const CookieKeys stages[] = {keys(kOldSecret), keys(std::string(kOldSecret) + "\n" + kNewSecret),
                               keys(std::string(kNewSecret) + "\n" + kOldSecret), keys(kNewSecret)};
  for (std::size_t i = 0; i + 1 < std::size(stages); ++i) {
    const Bytes before = make(stages[i], query, client, kIssued);
    const Bytes after = make(stages[i + 1], query, client, kIssued);
    EXPECT_NE(stages[i].verify(after, client, kIssued), CookieVerdict::kBad) << i;
    EXPECT_NE(stages[i + 1].verify(before, client, kIssued), CookieVerdict::kBad) << i;
  }
  const Bytes old = make(stages[0], query, client, kIssued);
  EXPECT_EQ(stages[1].verify(old, client, kIssued), CookieVerdict::kValid);
  EXPECT_EQ(stages[2].verify(old, client, kIssued), CookieVerdict::kValidRenew);
  EXPECT_EQ(stages[3].verify(old, client, kIssued), CookieVerdict::kBad);
}

TEST(Cookie, AllocatesNothing) {
  const CookieKeys secrets = keys(std::string(kNewSecret) + "\n" + kOldSecret + "\n" + kSecret);
  const base::IpAddress clients[] = {ip("198.51.100.100"), ip("2001:db8::1")};
  const Bytes option = unhex(kCookie);
  const std::uint64_t before = support::allocation_count();
  for (const base::IpAddress& client : clients) {
    secrets.verify(option, client, kIssued);
    secrets.verify({}, client, kIssued);
    secrets.make(std::span(option).first<kClientCookieSize>(), client, kIssued);
  }
  EXPECT_EQ(support::allocation_count(), before);
}

TEST(CookieKeys, ReadAFile) {
  const std::string upper = "E5E973E5A6B2A43F48E7DC849E37BFCF";
  const struct {
    const char* name;
    std::string text;
    std::size_t count;
  } rows[] = {
      {"one secret", std::string(kSecret) + "\n", 1},
      {"no end of line", kSecret, 1},
      {"upper case", upper, 1},
      {"blanks around", " \t" + upper + " \t\r\n", 1},
      {"comments", "# cookies\n\n" + upper + " # since June\n#" + kOldSecret + "\n", 1},
      {"three secrets", upper + "\n" + kOldSecret + "\r\n\r\n" + kNewSecret + "\r\n", 3},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_cookie_keys(row.text);
    ASSERT_TRUE(parsed) << row.name;
    EXPECT_EQ(parsed->count(), row.count) << row.name;
    EXPECT_EQ(parsed->verify(unhex(kCookie), ip("198.51.100.100"), kIssued), CookieVerdict::kValid)
        << row.name;
  }
}

TEST(CookieKeys, ReportEveryErrorOfAFile) {
  const std::string secret = kSecret;
  const std::string three = secret + "\n" + kOldSecret + "\n" + kNewSecret + "\n";
  const std::string fourth = "00112233445566778899aabbccddeeff";
  struct Expected {
    std::size_t line;
    std::string message;
  };
  const std::string no_secret =
      "is no secret of 32 hexadecimal digits; make one with 'openssl rand -hex 16'";
  const struct {
    const char* name;
    std::string text;
    std::vector<Expected> errors;
  } rows[] = {
      {"nothing", "", {{0, "holds no secret; add a line of 32 hexadecimal digits"}}},
      {"comments only", "# none\n", {{0, "holds no secret; add a line of 32 hexadecimal digits"}}},
      {"a digit short", secret.substr(1), {{1, no_secret}}},
      {"a digit long", "\n" + secret + "0", {{2, no_secret}}},
      {"no digit", secret.substr(1) + "g", {{1, no_secret}}},
      {"two in a line", secret + " " + kOldSecret, {{1, no_secret}}},
      {"an octet 0", secret + std::string("\0", 1), {{1, no_secret}}},
      {"twice the same",
       "#\n" + secret + "\n" + secret,
       {{3, "repeats the secret of line 2; remove one"}}},
      {"four",
       three + fourth,
       {{4,
         "is one secret too many, at most 3 are used; remove those that rolled over more than an "
         "hour ago"}}},
      {"several", "x\n" + secret + "\ny", {{1, no_secret}, {3, no_secret}}},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_cookie_keys(row.text);
    ASSERT_FALSE(parsed) << row.name;
    ASSERT_EQ(parsed.error().size(), row.errors.size()) << row.name;
    for (std::size_t i = 0; i < row.errors.size(); ++i) {
      EXPECT_EQ(parsed.error()[i].line, row.errors[i].line) << row.name;
      EXPECT_EQ(parsed.error()[i].message, row.errors[i].message) << row.name;
      EXPECT_THAT(parsed.error()[i].message, Not(HasSubstr(secret.substr(1, 8)))) << row.name;
    }
  }
}

TEST(CookieKeys, AreMadeAtRandom) {
  const auto one = make_random_cookie_keys();
  const auto two = make_random_cookie_keys();
  ASSERT_TRUE(one && two);
  const Bytes cookie = make(*one, unhex("0011223344556677"), ip("192.0.2.1"), kIssued);
  EXPECT_EQ(one->verify(cookie, ip("192.0.2.1"), kIssued), CookieVerdict::kValid);
  EXPECT_EQ(two->verify(cookie, ip("192.0.2.1"), kIssued), CookieVerdict::kBad);
}

}  // namespace
}  // namespace gslb::dns
