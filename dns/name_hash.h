#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gslb::dns {

/// Hash of the root name, from which every name's hash grows label by label.
inline constexpr std::uint64_t kRootHash = 0x243f6a8885a308d3;

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
    std::uint64_t chunk = 0;
    if (size - at >= 8) {
      std::memcpy(&chunk, label + at, 8);
    } else {
      std::memcpy(&chunk, label + at, size - at);
    }
    __extension__ const unsigned __int128 product =
        static_cast<unsigned __int128>(hash ^ chunk) * (kOdd ^ at);
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  return hash;
}

}  // namespace gslb::dns
