#include "base/address_prefix.h"

#include <algorithm>

namespace gslb::base {

bool AddressPrefix::contains(const IpAddress& other) const noexcept {
  if (address.is_v4() != other.is_v4()) return false;
  const auto ours = address.bytes();
  const auto theirs = other.bytes();
  const std::size_t whole = length / 8U;
  if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole),
                  theirs.begin())) {
    return false;
  }
  const unsigned rest = length % 8U;
  return rest == 0 || (ours[whole] ^ theirs[whole]) >> (8U - rest) == 0;
}

}  // namespace gslb::base
