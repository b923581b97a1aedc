// A response to IKE_SA_INIT: any octets get a verdict that can be told in one line.

#include "health/ike_message.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  constexpr health::IkeSpi kSpi{1, 2, 3, 4, 5, 6, 7, 8};
  const auto octets = fuzz::Input(data, size).rest();
  const auto response = health::parse_ike_response(octets, kSpi);
  fuzz::require_one_line(response ? health::describe(*response) : response.error());
  fuzz::require(!response || octets.size() >= 28, "a response has a header");
  return 0;
}
