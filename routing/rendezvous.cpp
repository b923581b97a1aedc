#include "routing/rendezvous.h"

#include <cmath>
#include <limits>

#include "routing/random.h"

namespace gslb::routing {
namespace {

/// Every bit of the result depends on every bit of the argument.
std::uint64_t mix(std::uint64_t value) noexcept { return Rng(value)(); }

std::uint64_t load_u64(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

/// The first `bits` of 64, the others cleared.
std::uint64_t first_bits(std::uint64_t value, unsigned bits) noexcept {
  if (bits == 0) return 0;
  return bits >= 64 ? value : value & ~std::uint64_t{0} << (64 - bits);
}

}  // namespace

std::uint64_t rendezvous_key(std::string_view name) noexcept {
  // FNV-1a, spread by the mixer.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mix(hash);
}

std::uint64_t network_key(const base::IpAddress& address, unsigned prefix) noexcept {
  const auto bytes = address.bytes();
  if (address.is_v4()) return mix(first_bits(load_u64(bytes) << 32, prefix));
  const std::uint64_t high = first_bits(load_u64(bytes.first(8)), prefix);
  const std::uint64_t low = prefix <= 64 ? 0 : first_bits(load_u64(bytes.subspan(8)), prefix - 64);
  return mix(mix(high + 1) ^ low);
}

std::uint32_t pick_rendezvous(std::uint64_t network, std::span<const std::uint64_t> keys,
                              std::span<const double> inverse_weights) noexcept {
  std::uint32_t best = 0;
  double best_score = std::numeric_limits<double>::infinity();
  for (std::uint32_t i = 0; i < keys.size(); ++i) {
    constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2⁻⁵³: all that a double can tell apart.
    const double u = static_cast<double>((mix(network ^ keys[i]) >> 11) + 1) * kUnit;
    // −ln(u) ≥ 1 − u, which most candidates already lose by.
    if ((1 - u) * inverse_weights[i] >= best_score) continue;
    const double score = -std::log(u) * inverse_weights[i];
    if (score < best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

}  // namespace gslb::routing
