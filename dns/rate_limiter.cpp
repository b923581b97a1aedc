#include "dns/rate_limiter.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace gslb::dns {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMillisecond = 1'000'000;
constexpr unsigned kMappedPrefix = 96;  // of ::ffff:0:0/96

std::uint64_t load_be64(const std::uint8_t* at) noexcept {
  return __builtin_bswap64(load_le64(at));
}

std::uint32_t load_be32(const std::uint8_t* at) noexcept {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         at[3];
}

}  // namespace

RateLimitPolicy::Bits RateLimitPolicy::Bits::of(const base::IpAddress& address) noexcept {
  const std::uint8_t* octets = address.bytes().data();
  if (address.is_v4()) return {0, std::uint64_t{0xFFFF} << 32 | load_be32(octets)};
  return {load_be64(octets), load_be64(octets + 8)};
}

RateLimitPolicy::Bits RateLimitPolicy::Bits::mask(unsigned length) noexcept {
  const auto ones = [](unsigned count) {
    return count == 0 ? 0 : ~std::uint64_t{0} << (64 - count);
  };
  return {ones(std::min(length, 64U)), ones(length > 64 ? length - 64 : 0)};
}

RateLimitPolicy::RateLimitPolicy(const RateLimits& limits, unsigned workers)
    : slip_(limits.slip),
      ipv4_mask_(Bits::mask(kMappedPrefix + std::min<unsigned>(limits.ipv4_prefix, 32))),
      ipv6_mask_(Bits::mask(std::min<unsigned>(limits.ipv6_prefix, 128))) {
  assert(workers > 0);
  const std::uint32_t rates[kResponseClasses] = {
      limits.responses_per_second, limits.nxdomains_per_second, limits.errors_per_second};
  for (std::size_t i = 0; i < kResponseClasses; ++i) {
    if (rates[i] == 0) continue;
    const std::uint64_t interval = std::max<std::uint64_t>(kSecond * workers / rates[i], 1);
    limits_[i] = {interval, std::max(interval, kSecond)};
    longest_burst_ns_ = std::max(longest_burst_ns_, limits_[i].burst_ns);
  }

  for (const base::AddressPrefix& prefix : limits.exempt) exempt(prefix);
  for (Ranges& ranges : exempt_) join(ranges);
}

void RateLimitPolicy::exempt(const base::AddressPrefix& prefix) {
  const unsigned length = prefix.length + (prefix.address.is_v4() ? kMappedPrefix : 0);
  const Bits mask = Bits::mask(std::min(length, 128U));
  const Bits address = Bits::of(prefix.address);
  const Bits first = {address.high & mask.high, address.low & mask.low};
  // ::/0 is all of IPv6, and not IPv4 on its way through IPv6.
  const bool is_v4 = address.is_v4() && length >= kMappedPrefix;
  exempt_[is_v4].push_back({first, {first.high | ~mask.high, first.low | ~mask.low}});
}

/// Sorts ranges and joins those that overlap.
void RateLimitPolicy::join(Ranges& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.first < b.first; });
  Ranges joined;
  for (const Range& range : ranges) {
    if (joined.empty() || range.first > joined.back().last) {
      joined.push_back(range);
    } else {
      joined.back().last = std::max(joined.back().last, range.last);
    }
  }
  ranges = std::move(joined);
}

bool RateLimitPolicy::is_exempt(const base::IpAddress& client) const noexcept {
  const Bits address = Bits::of(client);
  const Ranges& ranges = exempt_[address.is_v4()];
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), address,
                       [](const Bits& bits, const Range& range) { return bits < range.first; });
  return after != ranges.begin() && address <= std::prev(after)->last;
}

RateLimiter::RateLimiter(const SipHashKey& key)
    : key_(key), sets_(std::make_unique<std::array<Set, kSets>>()) {}

/// SipHash-1-3, which hash tables use (Rust, CPython): the hash is never seen from outside, so the
/// margin of SipHash-2-4 is not needed.
std::uint64_t RateLimiter::hash(const RateLimitPolicy& policy, const base::IpAddress& client,
                                ResponseClass response) const noexcept {
  const RateLimitPolicy::Bits address = RateLimitPolicy::Bits::of(client);
  const bool is_v4 = address.is_v4();
  const std::uint64_t tail = static_cast<std::uint64_t>(response) << 1 | std::uint64_t{is_v4};
  SipHasher<1, 3> hasher(key_);
  // One word tells the network, but for an IPv6 prefix that is longer than 64 bits.
  hasher.add(is_v4 ? address.low & policy.ipv4_mask_.low : address.high & policy.ipv6_mask_.high);
  if (is_v4 || policy.ipv6_mask_.low == 0) return hasher.finish(tail, 9);
  hasher.add(address.low & policy.ipv6_mask_.low);
  return hasher.finish(tail, 17);
}

RateLimiter::Decision RateLimiter::decide(const RateLimitPolicy& policy,
                                          const base::IpAddress& client, ResponseClass response,
                                          std::uint64_t now_ms) noexcept {
  const RateLimitPolicy::Limit& limit = policy.limits_[static_cast<std::size_t>(response)];
  if (limit.interval_ns == 0) return Decision::kSend;

  const std::uint64_t now = now_ms * kMillisecond;
  const std::uint64_t hashed = hash(policy, client, response);
  Set& set = (*sets_)[hashed % kSets];
  // The time until a bucket is full. What lies in the past comes out as huge, and so does what a
  // clock that stepped back left in the far future: both count as full.
  const std::uint64_t horizon = 2 * policy.longest_burst_ns_;
  const auto debt_of = [&set, now, horizon](std::size_t way) {
    const std::uint64_t debt = set.full_at_ns[way] - now;
    return debt <= horizon ? debt : 0;
  };

  const auto fingerprint = static_cast<std::uint32_t>(hashed >> 32);
  unsigned matches = 0;
  for (std::size_t i = 0; i < kWays; ++i) {
    matches |= unsigned{set.fingerprint[i] == fingerprint} << i;
  }
  std::size_t way = static_cast<std::size_t>(std::countr_zero(matches));
  if (matches == 0) {
    way = 0;
    for (std::size_t i = 1; i < kWays; ++i) way = debt_of(i) < debt_of(way) ? i : way;
    set.fingerprint[way] = fingerprint;
    set.full_at_ns[way] = now;
    set.limited[way] = 0;
  }

  // The generic cell rate algorithm in its form of virtual scheduling (ITU-T I.371 annex A), which
  // is a token bucket that keeps one number.
  const std::uint64_t debt = debt_of(way) + limit.interval_ns;
  if (debt <= limit.burst_ns) {
    set.full_at_ns[way] = now + debt;
    return Decision::kSend;
  }
  if (policy.is_exempt(client)) return Decision::kSend;
  if (policy.slip_ == 0 || ++set.limited[way] < policy.slip_) return Decision::kDrop;
  set.limited[way] = 0;
  return Decision::kTruncate;
}

}  // namespace gslb::dns
