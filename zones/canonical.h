#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dns/name.h"

namespace gslb::zones {

/// The longest canonical_key(): every octet of a name may take two.
inline constexpr std::size_t kMaxCanonicalKeySize = 2 * dns::kMaxNameLength;

/// Writes a key for a name in lower case: keys compare octet by octet as their names do in the
/// canonical order of RFC 4034 §6.1, and the key of a name begins with those of its ancestors.
/// `out` must hold kMaxCanonicalKeySize octets. Returns the size of the key.
std::size_t write_canonical_key(std::span<const std::uint8_t> lower,
                                std::span<std::uint8_t> out) noexcept;

/// The RDATA with the names in it in lower case, where RFC 4034 §6.2 as amended by RFC 6840 §5.1
/// wants that for the type.
std::vector<std::uint8_t> canonical_rdata(std::uint16_t type, std::span<const std::uint8_t> rdata);

/// Names in canonical order, each known by its position there. Filled once, then only read: lookups
/// neither allocate nor lock, and any number of threads may look up at a time.
class CanonicalIndex {
 public:
  CanonicalIndex() = default;
  /// The names must be in canonical order and distinct; see sort_canonically().
  explicit CanonicalIndex(std::span<const dns::Name> sorted);

  /// The position of the last name that is not behind `lower`, a name in lower case; nothing where
  /// all are behind it.
  std::optional<std::uint32_t> last_up_to(std::span<const std::uint8_t> lower) const noexcept;

 private:
  std::span<const std::uint8_t> key(std::size_t position) const noexcept {
    return std::span(keys_).subspan(starts_[position], starts_[position + 1] - starts_[position]);
  }

  std::vector<std::uint8_t> keys_;
  std::vector<std::uint32_t> starts_;  ///< Of each key, and where the last one ends.
};

/// The positions of `names` in canonical order.
std::vector<std::uint32_t> sort_canonically(std::span<const dns::Name> names);

}  // namespace gslb::zones
