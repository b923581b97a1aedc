#pragma once

#include <cstdint>

#include "base/ip_address.h"

namespace gslb::base {

/// A network in CIDR notation (RFC 4632); bits of the address beyond the length do not matter. The
/// length is at most that of the address. A plain value.
struct AddressPrefix {
  IpAddress address;
  std::uint8_t length = 0;

  /// False for an address of the other family.
  bool contains(const IpAddress& other) const noexcept;

  friend bool operator==(const AddressPrefix&, const AddressPrefix&) = default;
};

}  // namespace gslb::base
