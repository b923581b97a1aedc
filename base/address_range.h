#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/address_prefix.h"
#include "base/ip_address.h"

namespace gslb::base {

/// All addresses from `first` to `last`, both included, of one family. A plain value.
struct AddressRange {
  IpAddress first;
  IpAddress last;

  bool contains(const IpAddress& address) const noexcept {
    return address.is_v4() == first.is_v4() && first <= address && address <= last;
  }
  bool contains(const AddressRange& other) const noexcept {
    return contains(other.first) && contains(other.last);
  }

  friend constexpr auto operator<=>(const AddressRange&, const AddressRange&) = default;
};

/// The addresses of a network.
AddressRange to_range(const AddressPrefix& prefix) noexcept;

/// The network if the range is exactly one.
std::optional<AddressPrefix> to_prefix(const AddressRange& range) noexcept;

/// The address with all bits beyond the first `length` cleared.
IpAddress masked(const IpAddress& address, unsigned length) noexcept;

/// The number of leading bits in which two addresses of one family agree.
unsigned common_prefix_length(const IpAddress& a, const IpAddress& b) noexcept;

/// The addresses next to one; nothing beyond the ends of the family.
std::optional<IpAddress> next(const IpAddress& address) noexcept;
std::optional<IpAddress> previous(const IpAddress& address) noexcept;

/// "192.0.2.0/24" where the range is a network, "192.0.2.4-192.0.2.99" otherwise.
std::string to_string(const AddressRange& range);

/// "192.0.2.0/24" or "2001:db8::/32".
std::string to_string(const AddressPrefix& prefix);

}  // namespace gslb::base
