#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "base/ip_address.h"
#include "base/unique_fd.h"

namespace gslb::dns {

/// The sockets of one listen address, bound and ready.
struct ListenSockets {
  base::SocketAddress address;  ///< With the port that the kernel picked for port 0.
  base::UniqueFd tcp;
  std::vector<base::UniqueFd> udp;  ///< One for each worker, on one port by SO_REUSEPORT.
};

/// Why an address could not be listened on.
struct ListenError {
  /// What failed where, with the errno text and, where there is one, the remedy.
  std::string text;
  int number = 0;  ///< errno

  /// True where the host has no address of this family at all, as with IPv6 switched off.
  bool is_missing_family(const base::SocketAddress& address) const noexcept;
};

/// Binds UDP and TCP on one port. The TCP socket is not shared, so that a second server on the same
/// address is an error instead of a thief of half the queries.
tl::expected<ListenSockets, ListenError> open_listen_sockets(const base::SocketAddress& address,
                                                             unsigned workers);

}  // namespace gslb::dns
