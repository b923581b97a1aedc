#include "dns/proxy_header.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dns/wire.h"

namespace gslb::dns {
namespace {

constexpr std::array<std::uint8_t, 12> kSignature = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D,
                                                     0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::uint8_t kLocal = 0, kProxy = 1;
constexpr std::uint8_t kTcpOverIpv4 = 0x11, kTcpOverIpv6 = 0x21;
constexpr std::size_t kIpv4Addresses = 12, kIpv6Addresses = 36;

ProxyHeader malformed() { return {ProxyHeader::State::kMalformed, 0, std::nullopt}; }

template <std::size_t Size>
std::array<std::uint8_t, Size> octets(const std::uint8_t* at) noexcept {
  std::array<std::uint8_t, Size> result;
  std::memcpy(result.data(), at, Size);
  return result;
}

}  // namespace

ProxyHeader parse_proxy_header(std::span<const std::uint8_t> bytes) noexcept {
  const std::size_t known = std::min(bytes.size(), kSignature.size());
  if (!std::equal(kSignature.begin(), kSignature.begin() + static_cast<std::ptrdiff_t>(known),
                  bytes.begin())) {
    return malformed();
  }
  if (bytes.size() < kProxyHeaderFixed) return {};
  const std::uint8_t command = bytes[12] & 0x0F;
  if ((bytes[12] & 0xF0) != kVersion2 || command > kProxy) return malformed();
  const std::size_t rest = load_u16(&bytes[14]);
  if (kProxyHeaderFixed + rest > kMaxProxyHeader) return malformed();
  if (bytes.size() < kProxyHeaderFixed + rest) return {};

  ProxyHeader header{ProxyHeader::State::kComplete, kProxyHeaderFixed + rest, std::nullopt};
  if (command == kLocal) return header;
  const std::uint8_t* source = bytes.data() + kProxyHeaderFixed;
  if (bytes[13] == kTcpOverIpv4) {
    if (rest < kIpv4Addresses) return malformed();
    header.client = base::IpAddress::v4(octets<4>(source));
  } else if (bytes[13] == kTcpOverIpv6) {
    if (rest < kIpv6Addresses) return malformed();
    header.client = base::IpAddress::v6(octets<16>(source));
  }
  return header;
}

}  // namespace gslb::dns
