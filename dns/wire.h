#pragma once

#include <cstddef>
#include <cstdint>

namespace gslb::dns {

/// Numbers of the DNS wire format, from the IANA registry "Domain Name System (DNS) Parameters".

inline constexpr std::size_t kHeaderSize = 12;  ///< RFC 1035 §4.1.1
inline constexpr std::size_t kOptSize = 11;  ///< An OPT record without options, RFC 6891 §6.1.2.
inline constexpr std::size_t kPlainUdpSize = 512;      ///< RFC 1035 §2.3.4, without EDNS.
inline constexpr std::size_t kEdnsUdpSize = 1232;      ///< Never fragmented: DNS Flag Day 2020.
inline constexpr std::size_t kMaxMessageSize = 65535;  ///< RFC 1035 §4.2.2, over TCP.

namespace type {
inline constexpr std::uint16_t kA = 1, kNs = 2, kMd = 3, kMf = 4, kCname = 5, kSoa = 6, kMb = 7,
                               kMg = 8, kMr = 9, kPtr = 12, kHinfo = 13, kMinfo = 14, kMx = 15,
                               kTxt = 16, kRp = 17, kAfsdb = 18, kRt = 21, kPx = 26, kAaaa = 28,
                               kSrv = 33, kNaptr = 35, kKx = 36, kDname = 39, kOpt = 41, kDs = 43,
                               kRrsig = 46, kNsec = 47, kDnskey = 48, kCds = 59, kCdnskey = 60,
                               kTkey = 249, kTsig = 250, kIxfr = 251, kAxfr = 252, kMailb = 253,
                               kMaila = 254, kAny = 255;
}  // namespace type

namespace klass {
inline constexpr std::uint16_t kIn = 1, kCh = 3, kAny = 255;
}  // namespace klass

namespace opcode {
// In place, as in the second 16-bit word of the header.
inline constexpr std::uint16_t kQuery = 0 << 11, kNotify = 4 << 11;
}  // namespace opcode

namespace rcode {
inline constexpr std::uint16_t kNoError = 0, kFormErr = 1, kServFail = 2, kNxDomain = 3,
                               kNotImp = 4, kRefused = 5, kYxDomain = 6, kNotAuth = 9,
                               kBadVers = 16, kBadCookie = 23;
}  // namespace rcode

/// The error of a TSIG record (RFC 8945 §3).
namespace tsig_error {
inline constexpr std::uint16_t kNone = 0, kBadSig = 16, kBadKey = 17, kBadTime = 18, kBadTrunc = 22;
}  // namespace tsig_error

/// Header flag bits, as in the second 16-bit word of the header.
namespace flag {
inline constexpr std::uint16_t kQr = 0x8000, kOpcodeMask = 0x7800, kAa = 0x0400, kTc = 0x0200,
                               kRd = 0x0100, kCd = 0x0010;
}  // namespace flag

namespace edns_option {
inline constexpr std::uint16_t kNsid = 3;            ///< RFC 5001
inline constexpr std::uint16_t kClientSubnet = 8;    ///< RFC 7871
inline constexpr std::uint16_t kCookie = 10;         ///< RFC 7873
inline constexpr std::uint16_t kTcpKeepalive = 11;   ///< RFC 7828
inline constexpr std::uint16_t kPadding = 12;        ///< RFC 7830
inline constexpr std::uint16_t kExtendedError = 15;  ///< RFC 8914
}  // namespace edns_option

namespace extended_error {
inline constexpr std::uint16_t kOther = 0, kProhibited = 18, kNotAuthoritative = 20;
}  // namespace extended_error

/// A to Z in lower case, any other octet as it is (RFC 4343 §3).
constexpr std::uint8_t to_lower(std::uint8_t octet) noexcept {
  return static_cast<std::uint8_t>(octet - 'A') < 26 ? static_cast<std::uint8_t>(octet | 0x20)
                                                     : octet;
}

inline std::uint16_t load_u16(const std::uint8_t* at) noexcept {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

inline std::uint32_t load_u32(const std::uint8_t* at) noexcept {
  return std::uint32_t{load_u16(at)} << 16 | load_u16(at + 2);
}

inline void store_u16(std::uint8_t* at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

inline void store_u32(std::uint8_t* at, std::uint32_t value) noexcept {
  store_u16(at, static_cast<std::uint16_t>(value >> 16));
  store_u16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace gslb::dns
