#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <cstdint>

#include "base/ip_address.h"

namespace gslb::health {

/// For the sources of this room only: it brings Boost.Asio in.
inline boost::asio::ip::address to_asio(const base::IpAddress& address) {
  const auto bytes = address.bytes();
  if (address.is_v4()) {
    boost::asio::ip::address_v4::bytes_type v4{};
    std::copy(bytes.begin(), bytes.end(), v4.begin());
    return boost::asio::ip::address_v4(v4);
  }
  boost::asio::ip::address_v6::bytes_type v6{};
  std::copy(bytes.begin(), bytes.end(), v6.begin());
  return boost::asio::ip::address_v6(v6);
}

}  // namespace gslb::health
