// The PROXY header: how far it reaches never depends on what follows, nor on how it is cut.

#include "dns/proxy_header.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gslb::dns::ProxyHeader;
  const std::span<const std::uint8_t> bytes(data, size);
  const ProxyHeader whole = gslb::dns::parse_proxy_header(bytes);
  if (whole.state != ProxyHeader::State::kComplete) return 0;
  gslb::fuzz::require(whole.size <= size && whole.size <= gslb::dns::kMaxProxyHeader,
                      "a header lies within what has come");
  gslb::fuzz::require(gslb::dns::parse_proxy_header(bytes.first(whole.size)).client == whole.client,
                      "what follows the header does not matter");
  for (std::size_t cut = 0; cut < whole.size; ++cut) {
    gslb::fuzz::require(
        gslb::dns::parse_proxy_header(bytes.first(cut)).state == ProxyHeader::State::kIncomplete,
        "the beginning of a header is incomplete");
  }
  return 0;
}
