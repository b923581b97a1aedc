#include "dns/siphash.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace gslb::dns {

tl::expected<SipHashKey, std::string> make_random_siphash_key() {
  std::array<std::uint8_t, kSipHashKeySize> octets;
  ssize_t got;
  // Up to 256 octets come whole or, where a signal ends the wait after boot, not at all.
  do {
    got = getrandom(octets.data(), octets.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(octets.size())) {
    return tl::unexpected("the kernel gives no random numbers: " +
                          std::generic_category().message(errno));
  }
  return make_siphash_key(octets);
}

}  // namespace gslb::dns
