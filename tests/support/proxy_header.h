#pragma once

#include <cstdint>
#include <vector>

#include "base/ip_address.h"

namespace gslb::support {

/// A PROXY header of version 2 for a TCP connection from `client`; its other fields are made up.
inline std::vector<std::uint8_t> make_proxy_header(const base::IpAddress& client) {
  std::vector<std::uint8_t> header = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A,
                                      0x51, 0x55, 0x49, 0x54, 0x0A, 0x21};
  header.push_back(client.is_v4() ? 0x11 : 0x21);
  const std::size_t size = client.bytes().size();
  header.push_back(0);
  header.push_back(static_cast<std::uint8_t>(2 * size + 4));
  header.insert(header.end(), client.bytes().begin(), client.bytes().end());
  header.insert(header.end(), size + 4, 7);
  return header;
}

}  // namespace gslb::support
