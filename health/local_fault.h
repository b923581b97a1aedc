#pragma once

#include <cerrno>

namespace gslb::health {

/// True for an errno that tells of this host and not of the peer: nothing was sent. A network that
/// cannot be reached is not among them, because that may well be the peer's.
constexpr bool is_local_fault(int error) noexcept {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:  // No free port, or no address of the family.
    case EACCES:
    case EPERM:
      return true;
    default:
      return false;
  }
}

}  // namespace gslb::health
