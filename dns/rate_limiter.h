#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/address_prefix.h"
#include "base/ip_address.h"
#include "dns/siphash.h"

namespace gslb::dns {

/// Kinds of responses, each with a limit of its own.
enum class ResponseClass : std::uint8_t { kAnswer, kNxDomain, kError };
inline constexpr std::size_t kResponseClasses = 3;

/// How many responses a client network may draw, as it is configured. A rate of 0 is no limit.
struct RateLimits {
  std::uint32_t responses_per_second = 0;  ///< With data or NODATA.
  std::uint32_t errors_per_second = 0;     ///< REFUSED, FORMERR, NOTIMP, SERVFAIL …
  std::uint32_t nxdomains_per_second = 0;
  std::uint32_t slip = 2;  ///< Every how many-th limited response goes out truncated; 0: none.
  std::uint8_t ipv4_prefix = 24;
  std::uint8_t ipv6_prefix = 56;
  std::vector<base::AddressPrefix> exempt;  ///< Networks that are never limited.

  friend bool operator==(const RateLimits&, const RateLimits&) = default;
};

/// RateLimits as the workers use them. Immutable, so any number of workers may share it; part of a
/// snapshot, so that a reload changes the limits and leaves what the workers counted.
class RateLimitPolicy {
 public:
  /// Each worker grants one part in `workers` of every rate. A client network that sends from many
  /// ports, as resolvers (RFC 5452 §9.2) and forgers do, is spread over all workers by the kernel
  /// and meets the whole rate; one that keeps to a single port meets one worker's part.
  explicit RateLimitPolicy(const RateLimits& limits, unsigned workers = 1);

  bool is_limited(ResponseClass response) const noexcept {
    return limits_[static_cast<std::size_t>(response)].interval_ns != 0;
  }
  bool is_exempt(const base::IpAddress& client) const noexcept;

 private:
  friend class RateLimiter;

  /// An address of either family, IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
  struct Bits {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static Bits of(const base::IpAddress& address) noexcept;
    static Bits mask(unsigned length) noexcept;
    bool is_v4() const noexcept { return high == 0 && low >> 32 == 0xFFFF; }
    friend constexpr auto operator<=>(const Bits&, const Bits&) = default;
  };
  struct Range {
    Bits first, last;  ///< Both included.
  };
  using Ranges = std::vector<Range>;
  /// A token bucket, measured in the time that it takes to fill.
  struct Limit {
    std::uint64_t interval_ns = 0;  ///< What one response costs; 0: no limit.
    std::uint64_t burst_ns = 0;     ///< What a full bucket pays for.
  };

  void exempt(const base::AddressPrefix& prefix);
  static void join(Ranges& ranges);

  std::array<Limit, kResponseClasses> limits_;
  std::uint64_t longest_burst_ns_ = 0;
  std::uint32_t slip_;
  Bits ipv4_mask_, ipv6_mask_;
  std::array<Ranges, 2> exempt_;  ///< IPv6, IPv4; in order, apart from each other.
};

/// Response rate limiting as in BIND, NSD and Knot DNS: a forged source address must not turn the
/// server into an amplifier against its owner. Each client network has a token bucket for each
/// class of responses, which fills in one second and starts full. For UDP only: over TCP, or with a
/// valid cookie, a client is where it says, so do not ask.
///
/// One table of kSlots buckets, kMemory octets, allocated once; nothing is allocated later. A
/// bucket that is full again is as good as unused, so clients age out by themselves. Where more
/// networks are active than fit, the one that is least in debt is forgotten: a flood of networks
/// leads to responses that are not limited, never to a network limited for what others did (but for
/// one chance in 2^30 of equal fingerprints). Fingerprint and place are a keyed hash, so nobody can
/// choose whom to share with.
///
/// Not thread-safe: each worker has its own.
class RateLimiter {
 public:
  enum class Decision : std::uint8_t {
    kSend,
    /// Send with TC set and no records, so that a real client comes back over TCP. An error has no
    /// records and goes out as it is.
    kTruncate,
    kDrop,
  };

  static constexpr std::size_t kSlots = 65'536;
  static constexpr std::size_t kMemory = kSlots * 16;

  /// `key` must be secret and differ from process to process: make_random_siphash_key().
  explicit RateLimiter(const SipHashKey& key);

  /// Whether a response may go to `client` at `now_ms`, milliseconds of any clock. A clock that
  /// stands still or steps back does no harm: nobody is limited for longer than the step, and after
  /// a step of more than two bursts the limits start anew.
  Decision decide(const RateLimitPolicy& policy, const base::IpAddress& client,
                  ResponseClass response, std::uint64_t now_ms) noexcept;

 private:
  static constexpr std::size_t kWays = 4;
  /// Buckets that share a place: one cache line.
  struct alignas(64) Set {
    std::array<std::uint64_t, kWays> full_at_ns{};  ///< When the bucket will be full again.
    std::array<std::uint32_t, kWays> fingerprint{};
    std::array<std::uint32_t, kWays> limited{};  ///< Responses since one went out truncated.
  };
  static constexpr std::size_t kSets = kSlots / kWays;
  static_assert(sizeof(Set) * kSets == kMemory);

  std::uint64_t hash(const RateLimitPolicy& policy, const base::IpAddress& client,
                     ResponseClass response) const noexcept;

  SipHashKey key_;
  std::unique_ptr<std::array<Set, kSets>> sets_;
};

}  // namespace gslb::dns
