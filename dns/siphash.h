#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <tl/expected.hpp>

namespace gslb::dns {

inline constexpr std::size_t kSipHashKeySize = 16;

/// A secret of 128 bits.
struct SipHashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;

  friend bool operator==(const SipHashKey&, const SipHashKey&) = default;
};

/// Reads eight octets as the paper does, in little-endian order.
inline std::uint64_t load_le64(const std::uint8_t* at) noexcept {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

inline SipHashKey make_siphash_key(std::span<const std::uint8_t, kSipHashKeySize> octets) noexcept {
  return {load_le64(octets.data()), load_le64(octets.data() + 8)};
}

/// A key from the random numbers of the kernel; waits for them early after boot.
tl::expected<SipHashKey, std::string> make_random_siphash_key();

/// SipHash-c-d (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): a keyed hash that
/// cannot be predicted, and whose collisions cannot be found, without the key. It takes whole words
/// and a tail, so that a short message costs no loop and no buffer. Not thread-safe; made for one
/// message and thrown away.
template <int kCompressionRounds, int kFinalizationRounds>
class SipHasher {
 public:
  explicit SipHasher(const SipHashKey& key) noexcept
      : v0_(key.k0 ^ 0x736f6d6570736575),
        v1_(key.k1 ^ 0x646f72616e646f6d),
        v2_(key.k0 ^ 0x6c7967656e657261),
        v3_(key.k1 ^ 0x7465646279746573) {}

  void add(std::uint64_t word) noexcept {
    v3_ ^= word;
    rounds<kCompressionRounds>();
    v0_ ^= word;
  }

  /// Ends a message of `length` octets, of which the last `length % 8` stand in `tail`.
  std::uint64_t finish(std::uint64_t tail, std::size_t length) noexcept {
    add(tail | std::uint64_t{length} << 56);
    v2_ ^= 0xff;
    rounds<kFinalizationRounds>();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  template <int kRounds>
  void rounds() noexcept {
    for (int i = 0; i < kRounds; ++i) {
      v0_ += v1_;
      v1_ = std::rotl(v1_, 13) ^ v0_;
      v0_ = std::rotl(v0_, 32);
      v2_ += v3_;
      v3_ = std::rotl(v3_, 16) ^ v2_;
      v0_ += v3_;
      v3_ = std::rotl(v3_, 21) ^ v0_;
      v2_ += v1_;
      v1_ = std::rotl(v1_, 17) ^ v2_;
      v2_ = std::rotl(v2_, 32);
    }
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

/// The hash of any octets.
template <int kCompressionRounds, int kFinalizationRounds>
std::uint64_t siphash(const SipHashKey& key, std::span<const std::uint8_t> message) noexcept {
  SipHasher<kCompressionRounds, kFinalizationRounds> hasher(key);
  std::size_t at = 0;
  for (; message.size() - at >= 8; at += 8) hasher.add(load_le64(message.data() + at));
  std::uint64_t tail = 0;
  for (unsigned shift = 0; at < message.size(); ++at, shift += 8) {
    tail |= std::uint64_t{message[at]} << shift;
  }
  return hasher.finish(tail, message.size());
}

}  // namespace gslb::dns
