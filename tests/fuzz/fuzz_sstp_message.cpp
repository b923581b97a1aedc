// What a server sends behind SSTP_DUPLEX_POST: any octets, in any pieces, get a verdict that can be
// told in one line, and a packet is never longer than what has come.

#include <string>

#include "health/sstp_message.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const auto octets = fuzz::Input(data, size).rest();
  const std::string bytes(octets.begin(), octets.end());
  const auto message = health::parse_sstp_message(bytes);
  if (!message) {
    fuzz::require_one_line(message.error());
    return 0;
  }
  if (!*message) return 0;
  fuzz::require_one_line(health::describe(**message));
  fuzz::require((*message)->size >= 8 && (*message)->size <= bytes.size(), "the packet has come");
  const auto shorter = health::parse_sstp_message(bytes.substr(0, (*message)->size - 1));
  fuzz::require(shorter && !*shorter, "it is complete with its last octet, and not before");
  return 0;
}
