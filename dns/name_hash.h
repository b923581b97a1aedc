#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gslb::dns {

/// Hash of the root name, from which every name's hash grows label by label.
inline constexpr std::uint64_t kRootHash = 0x243f6a8885a308d3;

/// One to eight octets as a number that differs where they do: not memcpy, which is a call or a
/// loop where their count is not constant.
inline std::uint64_t load_octets(const std::uint8_t* at, std::size_t count) noexcept {
  if (count < 4) {  // The first, the middle one and the last are all that there are.
    return std::uint64_t{at[0]} << 16 | std::uint64_t{at[count / 2]} << 8 | at[count - 1];
  }
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // Which may overlap the first.
  std::memcpy(&first, at, 4);
  std::memcpy(&last, at + count - 4, 4);
  return std::uint64_t{first} << 32 | last;
}

/// The hash of a name, from the hash of its parent and its first label, in lower case with the
/// length octet in front. Growing from the root gives the hash of every ancestor on the way to the
/// hash of the full name, which is what finding the closest zone or wildcard needs.
///
/// It need not withstand chosen keys: tables are filled from configuration, never from queries.
/// The mixing step is the 64×64→128 bit multiply-and-fold of wyhash (Wang Yi, 2019).
inline std::uint64_t hash_label(std::uint64_t parent_hash, const std::uint8_t* label) noexcept {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  const std::size_t size = std::size_t{label[0]} + 1;
  std::uint64_t hash = parent_hash;
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t chunk = load_octets(label + at, std::min<std::size_t>(size - at, 8));
    __extension__ const unsigned __int128 product =
        static_cast<unsigned __int128>(hash ^ chunk) * (kOdd ^ at);
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  return hash;
}

}  // namespace gslb::dns
