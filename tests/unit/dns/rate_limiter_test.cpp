#include "dns/rate_limiter.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/allocation_counter.h"

namespace gslb::dns {
namespace {

using Decision = RateLimiter::Decision;

constexpr SipHashKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr std::uint64_t kNow = 1'000'000'000;  // ms

base::IpAddress ip(std::string_view text) {
  const auto address = base::parse_ip_address(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(base::IpAddress());
}

/// The n-th of many networks /24.
base::IpAddress network(std::uint32_t n) {
  return base::IpAddress::v4({static_cast<std::uint8_t>(n >> 16), static_cast<std::uint8_t>(n >> 8),
                              static_cast<std::uint8_t>(n), 1});
}

RateLimits limits_of(std::uint32_t rate, std::uint32_t slip = 0) {
  RateLimits limits;
  limits.responses_per_second = limits.nxdomains_per_second = limits.errors_per_second = rate;
  limits.slip = slip;
  return limits;
}

class RateLimiterTest : public testing::Test {
 protected:
  /// How many of `count` responses at one time are sent.
  int sent(const RateLimitPolicy& policy, const base::IpAddress& client, int count,
           std::uint64_t now_ms, ResponseClass response = ResponseClass::kAnswer) {
    int result = 0;
    for (int i = 0; i < count; ++i) {
      result += limiter_.decide(policy, client, response, now_ms) == Decision::kSend;
    }
    return result;
  }

  RateLimiter limiter_{kKey};
  base::IpAddress client_ = ip("192.0.2.1");
};

TEST_F(RateLimiterTest, GrantsTheRateAndNoMore) {
  for (const std::uint32_t rate : {1U, 3U, 7U, 10U, 999U, 1000U, 2500U, 100'000U}) {
    RateLimiter limiter(kKey);
    const RateLimitPolicy policy(limits_of(rate));
    std::uint64_t sent = 0;
    // Asked four times as often as is granted, for ten seconds, after a burst of one second.
    for (std::uint64_t ms = 0; ms < 10'000; ++ms) {
      for (std::uint64_t i = 4 * rate * ms / 1000; i < 4 * rate * (ms + 1) / 1000; ++i) {
        sent +=
            limiter.decide(policy, client_, ResponseClass::kAnswer, kNow + ms) == Decision::kSend;
      }
    }
    EXPECT_GE(sent, 11 * rate - rate / 50 - 1) << rate;
    EXPECT_LE(sent, 11 * rate) << rate;
  }
}

TEST_F(RateLimiterTest, NeverLimitsAClientBelowTheRate) {
  const RateLimitPolicy policy(limits_of(10));
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(sent(policy, client_, 1, kNow + 100 * i), 1) << i;
  }
}

TEST_F(RateLimiterTest, FillsTheBucketInOneSecond) {
  const RateLimitPolicy policy(limits_of(10));
  EXPECT_EQ(sent(policy, client_, 100, kNow), 10);
  EXPECT_EQ(sent(policy, client_, 100, kNow + 99), 0);
  EXPECT_EQ(sent(policy, client_, 100, kNow + 100), 1);
  EXPECT_EQ(sent(policy, client_, 100, kNow + 600), 5);
  EXPECT_EQ(sent(policy, client_, 100, kNow + 1600), 10);
  EXPECT_EQ(sent(policy, client_, 100, kNow + 3'600'000), 10);
}

TEST_F(RateLimiterTest, DoesNotCountWhatIsDropped) {
  const RateLimitPolicy policy(limits_of(10));
  EXPECT_EQ(sent(policy, client_, 1'000'000, kNow), 10);
  EXPECT_EQ(sent(policy, client_, 1, kNow + 100), 1);
}

TEST_F(RateLimiterTest, CountsEachClassForItself) {
  RateLimits limits = limits_of(0);
  limits.responses_per_second = 20;
  limits.nxdomains_per_second = 10;
  limits.errors_per_second = 5;
  const RateLimitPolicy policy(limits);
  EXPECT_EQ(sent(policy, client_, 100, kNow, ResponseClass::kAnswer), 20);
  EXPECT_EQ(sent(policy, client_, 100, kNow, ResponseClass::kNxDomain), 10);
  EXPECT_EQ(sent(policy, client_, 100, kNow, ResponseClass::kError), 5);
}

TEST_F(RateLimiterTest, RateZeroIsNoLimit) {
  RateLimits limits = limits_of(0);
  limits.errors_per_second = 5;
  const RateLimitPolicy policy(limits);
  EXPECT_FALSE(policy.is_limited(ResponseClass::kAnswer));
  EXPECT_TRUE(policy.is_limited(ResponseClass::kError));
  EXPECT_EQ(sent(policy, client_, 10'000, kNow, ResponseClass::kAnswer), 10'000);
  EXPECT_EQ(sent(policy, client_, 10'000, kNow, ResponseClass::kNxDomain), 10'000);
  EXPECT_EQ(sent(policy, client_, 10'000, kNow, ResponseClass::kError), 5);
}

TEST_F(RateLimiterTest, DividesTheRateAmongWorkers) {
  EXPECT_EQ(sent(RateLimitPolicy(limits_of(20), 4), client_, 100, kNow), 5);
  // Less than one response a second is left to each: one at once, then one every two seconds.
  const RateLimitPolicy slow(limits_of(1), 2);
  const base::IpAddress other = ip("198.51.100.1");
  EXPECT_EQ(sent(slow, other, 100, kNow), 1);
  EXPECT_EQ(sent(slow, other, 100, kNow + 1999), 0);
  EXPECT_EQ(sent(slow, other, 100, kNow + 2000), 1);
}

TEST_F(RateLimiterTest, LimitsANetworkAsOne) {
  RateLimits custom = limits_of(10);
  custom.ipv4_prefix = 20;
  custom.ipv6_prefix = 80;
  RateLimits whole = limits_of(10);
  whole.ipv4_prefix = 32;
  whole.ipv6_prefix = 128;
  RateLimits none = limits_of(10);
  none.ipv4_prefix = none.ipv6_prefix = 0;
  const RateLimits usual = limits_of(10);
  const struct {
    const char* name;
    const RateLimits& limits;
    const char *a, *b;
    bool together;
  } rows[] = {
      {"IPv4 /24", usual, "192.0.2.0", "192.0.2.255", true},
      {"next IPv4 /24", usual, "192.0.2.255", "192.0.3.0", false},
      {"IPv6 /56", usual, "2001:db8:1:200::", "2001:db8:1:2ff:ffff:ffff:ffff:ffff", true},
      {"next IPv6 /56", usual, "2001:db8:1:2ff::", "2001:db8:1:300::", false},
      {"IPv4 /20", custom, "10.1.16.0", "10.1.31.255", true},
      {"next IPv4 /20", custom, "10.1.31.255", "10.1.32.0", false},
      {"IPv6 /80", custom, "2001:db8::1:0:0:0", "2001:db8::1:ffff:ffff:ffff", true},
      {"next IPv6 /80", custom, "2001:db8::1:0:0:0", "2001:db8::2:0:0:0", false},
      {"IPv4 /32", whole, "192.0.2.1", "192.0.2.2", false},
      {"IPv6 /128", whole, "2001:db8::1", "2001:db8::2", false},
      {"IPv4 /0", none, "1.0.0.0", "255.0.0.0", true},
      {"IPv6 /0", none, "2001:db8::1", "fe80::1", true},
      {"IPv4-mapped", usual, "192.0.2.1", "::ffff:192.0.2.77", true},
      {"next IPv4-mapped /24", usual, "::ffff:192.0.2.1", "::ffff:192.0.3.1", false},
      {"IPv4 and IPv6 of the same octets", usual, "32.1.13.184", "2001:db8::", false},
      {"IPv4 and IPv6 of the same word", usual, "192.0.2.1", "0:ffff:c000:200::", false},
      {"IPv4 and the unspecified address", usual, "0.0.0.0", "::", false},
  };
  for (const auto& row : rows) {
    RateLimiter limiter(kKey);
    const RateLimitPolicy policy(row.limits);
    for (int i = 0; i < 20; ++i) limiter.decide(policy, ip(row.a), ResponseClass::kAnswer, kNow);
    EXPECT_EQ(limiter.decide(policy, ip(row.b), ResponseClass::kAnswer, kNow) == Decision::kSend,
              !row.together)
        << row.name;
  }
}

TEST_F(RateLimiterTest, SlipsEveryNth) {
  const Decision d = Decision::kDrop, t = Decision::kTruncate;
  const struct {
    std::uint32_t slip;
    std::vector<Decision> pattern;
  } rows[] = {{0, {d, d, d, d, d, d}}, {1, {t, t, t, t, t, t}}, {2, {d, t, d, t, d, t}},
              {3, {d, d, t, d, d, t}}, {5, {d, d, d, d, t, d}}, {4'000'000'000, {d, d, d, d, d}}};
  for (const auto& row : rows) {
    RateLimiter limiter(kKey);
    const RateLimitPolicy policy(limits_of(2, row.slip));
    const auto decide = [&] {
      return limiter.decide(policy, client_, ResponseClass::kAnswer, kNow);
    };
    EXPECT_EQ(decide(), Decision::kSend);
    EXPECT_EQ(decide(), Decision::kSend);
    std::vector<Decision> pattern;
    for (std::size_t i = 0; i < row.pattern.size(); ++i) pattern.push_back(decide());
    EXPECT_EQ(pattern, row.pattern) << "slip " << row.slip;
  }
}

TEST_F(RateLimiterTest, LeavesExemptNetworksAlone) {
  RateLimits limits = limits_of(1);
  // Neither in order nor apart from each other.
  for (const auto& [address, length] : {std::pair<const char*, int>{"203.0.113.77", 24},
                                        {"10.0.0.0", 8},
                                        {"10.9.0.0", 16},
                                        {"198.51.100.7", 32},
                                        {"2001:db8:5::", 48},
                                        {"2001:db8:4::", 48},
                                        {"::ffff:172.16.0.0", 108},
                                        {"fd00::1", 128}}) {
    limits.exempt.push_back({ip(address), static_cast<std::uint8_t>(length)});
  }
  const RateLimitPolicy policy(limits);
  const struct {
    const char* client;
    bool exempt;
  } rows[] = {{"203.0.112.255", false},
              {"203.0.113.0", true},
              {"203.0.113.255", true},
              {"203.0.114.0", false},
              {"9.255.255.255", false},
              {"10.0.0.0", true},
              {"10.9.1.1", true},
              {"10.200.0.1", true},
              {"10.255.255.255", true},
              {"11.0.0.0", false},
              {"198.51.100.6", false},
              {"198.51.100.7", true},
              {"198.51.100.8", false},
              {"::ffff:10.1.1.1", true},
              {"::ffff:11.1.1.1", false},
              {"172.31.255.255", true},
              {"172.32.0.0", false},
              {"2001:db8:3:ffff::", false},
              {"2001:db8:4::", true},
              {"2001:db8:5:ffff::1", true},
              {"2001:db8:6::", false},
              {"fd00::", false},
              {"fd00::1", true},
              {"fd00::2", false},
              {"::", false},
              {"0.0.0.0", false}};
  for (const auto& row : rows) {
    EXPECT_EQ(policy.is_exempt(ip(row.client)), row.exempt) << row.client;
    RateLimiter limiter(kKey);
    int sent = 0;
    for (int i = 0; i < 100; ++i) {
      sent +=
          limiter.decide(policy, ip(row.client), ResponseClass::kAnswer, kNow) == Decision::kSend;
    }
    EXPECT_EQ(sent, row.exempt ? 100 : 1) << row.client;
  }
}

TEST_F(RateLimiterTest, ExemptsOneFamilyWithoutTheOther) {
  RateLimits limits = limits_of(1);
  limits.exempt = {{ip("::"), 0}};
  EXPECT_TRUE(RateLimitPolicy(limits).is_exempt(ip("2001:db8::1")));
  EXPECT_TRUE(RateLimitPolicy(limits).is_exempt(ip("::")));
  EXPECT_FALSE(RateLimitPolicy(limits).is_exempt(ip("192.0.2.1")));
  limits.exempt = {{ip("0.0.0.0"), 0}};
  EXPECT_FALSE(RateLimitPolicy(limits).is_exempt(ip("2001:db8::1")));
  EXPECT_TRUE(RateLimitPolicy(limits).is_exempt(ip("255.255.255.255")));
  EXPECT_FALSE(RateLimitPolicy(limits_of(1)).is_exempt(ip("192.0.2.1")));
}

TEST_F(RateLimiterTest, LetsOthersPassWhileOneIsFlooded) {
  const RateLimitPolicy policy(limits_of(10));
  int victim = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    victim += sent(policy, client_, 5, kNow);
    ASSERT_EQ(sent(policy, network(i), 1, kNow), 1) << "network " << i;
  }
  EXPECT_EQ(victim, 10);
}

TEST_F(RateLimiterTest, CannotBeMadeToForgetByAFloodOfNetworks) {
  const RateLimitPolicy policy(limits_of(10));
  EXPECT_EQ(sent(policy, client_, 100, kNow), 10);
  // Each costs its own bucket 100 ms; the victim's is a second in debt and so the last to go.
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    ASSERT_EQ(sent(policy, network(0x10'0000 + i), 1, kNow), 1) << i;
  }
  EXPECT_EQ(sent(policy, client_, 100, kNow), 0);
}

TEST_F(RateLimiterTest, SpreadsNetworksOverAllBuckets) {
  const RateLimitPolicy policy(limits_of(1));
  constexpr std::uint32_t kNetworks = 20'000;
  for (std::uint32_t i = 0; i < kNetworks; ++i) sent(policy, network(i), 1, kNow);
  int forgotten = 0;
  for (std::uint32_t i = 0; i < kNetworks; ++i) forgotten += sent(policy, network(i), 1, kNow);
  // Of 16,384 sets of four with 1.22 networks each on average, by Poisson, 158 networks find no
  // place; each that takes a place back in the second round pushes out another one.
  EXPECT_GT(forgotten, 50);
  EXPECT_LT(forgotten, 600);
}

TEST_F(RateLimiterTest, HidesWhoSharesABucket) {
  // With another key other networks are pushed out.
  const RateLimitPolicy policy(limits_of(1));
  const auto forgotten = [&policy](const SipHashKey& key) {
    RateLimiter limiter(key);
    std::set<std::uint32_t> result;
    for (int round = 0; round < 2; ++round) {
      for (std::uint32_t i = 0; i < 20'000; ++i) {
        if (limiter.decide(policy, network(i), ResponseClass::kAnswer, kNow) == Decision::kSend &&
            round == 1) {
          result.insert(i);
        }
      }
    }
    return result;
  };
  const std::set<std::uint32_t> one = forgotten(kKey), two = forgotten({kKey.k1, kKey.k0});
  std::size_t both = 0;
  for (const std::uint32_t i : one) both += two.count(i);
  EXPECT_EQ(one, forgotten(kKey));
  EXPECT_LT(both, one.size() / 4);
}

TEST_F(RateLimiterTest, UsesBucketsAgainWhenTheyAreFull) {
  const RateLimitPolicy policy(limits_of(1));
  // A full table of networks that have all been limited.
  for (std::uint32_t i = 0; i < 200'000; ++i) sent(policy, network(i), 2, kNow);
  // A second later they are as good as new, and so is the room that they took.
  int limited = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(sent(policy, network(0x40'0000 + i), 1, kNow + 1000), 1) << i;
    limited += sent(policy, network(0x40'0000 + i), 1, kNow + 1000) == 0;
  }
  EXPECT_EQ(limited, 10'000);
}

TEST_F(RateLimiterTest, BearsAClockThatStepsBack) {
  for (const std::uint64_t step : {1ULL, 500ULL, 1500ULL, 3'600'000ULL, 900'000'000ULL}) {
    RateLimiter limiter(kKey);
    const RateLimitPolicy policy(limits_of(10));
    const auto sends = [&](std::uint64_t now_ms) {
      return limiter.decide(policy, client_, ResponseClass::kAnswer, now_ms) == Decision::kSend;
    };
    for (int i = 0; i < 100; ++i) sends(kNow);
    const std::uint64_t back = kNow - step;
    // Limited for the rest of the second and the step at most.
    std::uint64_t waited = 0;
    while (!sends(back + waited)) ASSERT_LE(++waited, 100 + std::min<std::uint64_t>(step, 1000));
    // And then on time.
    int sent_later = 0;
    for (int i = 0; i < 100; ++i) sent_later += sends(back + 10'000);
    EXPECT_EQ(sent_later, 10) << step;
  }
}

TEST_F(RateLimiterTest, ForgetsAFullTableWhenTheClockStepsFarBack) {
  const RateLimitPolicy policy(limits_of(1));
  for (std::uint32_t i = 0; i < 200'000; ++i) sent(policy, network(i), 2, kNow);
  // Four networks in a row in one set would push each other out if old buckets kept their room.
  const std::uint64_t back = kNow - 3'600'000;
  for (std::uint32_t i = 0; i < 10'000; ++i) sent(policy, network(0x40'0000 + i), 1, back);
  int limited = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    limited += sent(policy, network(0x40'0000 + i), 1, back) == 0;
  }
  EXPECT_GT(limited, 9'900);
}

TEST_F(RateLimiterTest, StartsAtTimeZero) {
  const RateLimitPolicy policy(limits_of(10));
  EXPECT_EQ(sent(policy, client_, 100, 0), 10);
  EXPECT_EQ(sent(policy, client_, 100, 100), 1);
}

TEST_F(RateLimiterTest, TakesOtherLimitsOnTheWay) {
  const RateLimitPolicy strict(limits_of(10));
  EXPECT_EQ(sent(strict, client_, 100, kNow), 10);
  EXPECT_EQ(sent(RateLimitPolicy(limits_of(0)), client_, 100, kNow), 100);
  EXPECT_EQ(sent(RateLimitPolicy(limits_of(1000)), client_, 1000, kNow + 100), 100);
  EXPECT_EQ(sent(strict, client_, 100, kNow + 100), 0);
}

TEST_F(RateLimiterTest, AllocatesNothing) {
  RateLimits limits = limits_of(1, 2);
  limits.exempt = {{ip("10.0.0.0"), 8}};
  const RateLimitPolicy policy(limits);
  const base::IpAddress clients[] = {client_, ip("2001:db8::1"), ip("10.0.0.1")};
  const std::uint64_t before = support::allocation_count();
  for (const base::IpAddress& client : clients) {
    for (int i = 0; i < 5; ++i) limiter_.decide(policy, client, ResponseClass::kError, kNow);
  }
  EXPECT_EQ(support::allocation_count(), before);
}

TEST_F(RateLimiterTest, KeepsItsMemoryInOnePiece) {
  static_assert(RateLimiter::kMemory == 1'048'576);
  const std::uint64_t before = support::allocation_count();
  const RateLimiter another(kKey);
  EXPECT_EQ(support::allocation_count(), before + 1);
}

}  // namespace
}  // namespace gslb::dns
