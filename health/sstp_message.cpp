#include "health/sstp_message.h"

#include <fmt/format.h>

#include <array>

namespace gslb::health {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kHeader = 4;         // §2.2.1
constexpr std::size_t kControlHeader = 8;  // §2.2.2
constexpr std::uint8_t kVersion = 0x10;    // 1.0
constexpr std::uint8_t kStatusInfo = 2;    // §2.2.4

unsigned octet(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

unsigned short_at(std::string_view bytes, std::size_t at) {
  return octet(bytes, at) << 8 | octet(bytes, at + 1);
}

/// The upper four bits are reserved.
std::size_t length_at(std::string_view bytes, std::size_t at) {
  return short_at(bytes, at) & 0xfff;
}

/// §2.2.4: the values of Status.
std::string_view describe_status(unsigned status) {
  constexpr std::array<std::string_view, 13> kTexts{"",
                                                    "duplicate attribute",
                                                    "unrecognized attribute",
                                                    "invalid attribute value length",
                                                    "value not supported",
                                                    "unaccepted frame received",
                                                    "retry count exceeded",
                                                    "invalid frame received",
                                                    "negotiation timeout",
                                                    "attribute not supported in message",
                                                    "required attribute missing",
                                                    "status info not supported",
                                                    "another status"};
  return kTexts[std::min<std::size_t>(status, kTexts.size() - 1)];
}

/// What the first Status Info attribute among `attributes` tells.
std::string find_status(std::string_view attributes) {
  constexpr std::size_t kAttributeHeader = 4;
  constexpr std::size_t kStatusAt = 8;
  while (attributes.size() >= kAttributeHeader) {
    const std::size_t size = length_at(attributes, 2);
    if (size < kAttributeHeader || size > attributes.size()) return "";
    if (octet(attributes, 1) == kStatusInfo && size >= kStatusAt + 4) {
      const unsigned upper = short_at(attributes, kStatusAt);
      return std::string(describe_status(upper != 0 ? ~0U : short_at(attributes, kStatusAt + 2)));
    }
    attributes.remove_prefix(size);
  }
  return "";
}

std::string_view name_of(SstpMessageType type) {
  constexpr std::array<std::string_view, 10> kNames{"unknown",
                                                    "SSTP_MSG_CALL_CONNECT_REQUEST",
                                                    "SSTP_MSG_CALL_CONNECT_ACK",
                                                    "SSTP_MSG_CALL_CONNECT_NAK",
                                                    "SSTP_MSG_CALL_CONNECTED",
                                                    "SSTP_MSG_CALL_ABORT",
                                                    "SSTP_MSG_CALL_DISCONNECT",
                                                    "SSTP_MSG_CALL_DISCONNECT_ACK",
                                                    "SSTP_MSG_ECHO_REQUEST",
                                                    "SSTP_MSG_ECHO_RESPONSE"};
  const auto index = static_cast<std::size_t>(type);
  return kNames[index < kNames.size() ? index : 0];
}

}  // namespace

std::string make_sstp_request(std::string_view path, std::string_view host,
                              std::string_view correlation_id) {
  return fmt::format(
      "SSTP_DUPLEX_POST {} HTTP/1.1\r\nHost: {}\r\nSSTPCORRELATIONID: {}\r\n"
      "Content-Length: 18446744073709551615\r\n\r\n",
      path, host, correlation_id);
}

std::string make_sstp_call_connect_request() {
  // Version and C, length 14, message 1, one attribute: Encapsulated Protocol ID, PPP (§2.2.9).
  return std::string("\x10\x01\x00\x0e\x00\x01\x00\x01\x00\x01\x00\x06\x00\x01"sv);
}

std::string make_sstp_call_abort() {
  // Version and C, length 20, message 5, one attribute: Status Info without an error (§2.2.13).
  return std::string(
      "\x10\x01\x00\x14\x00\x05\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00"sv);
}

tl::expected<std::optional<SstpMessage>, std::string> parse_sstp_message(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  if (octet(bytes, 0) != kVersion) {
    return tl::make_unexpected(fmt::format("SSTP version {}.{} instead of 1.0",
                                           octet(bytes, 0) >> 4, octet(bytes, 0) & 0xf));
  }
  if (bytes.size() < kHeader) return std::nullopt;
  if ((octet(bytes, 1) & 1) == 0) {
    return tl::make_unexpected(std::string("an SSTP data packet instead of a control packet"));
  }
  const std::size_t size = length_at(bytes, 2);
  if (size < kControlHeader) {
    return tl::make_unexpected(fmt::format("an SSTP control packet of {} octets", size));
  }
  if (bytes.size() < size) return std::nullopt;
  SstpMessage message;
  message.type = static_cast<SstpMessageType>(short_at(bytes, kHeader));
  message.status = find_status(bytes.substr(kControlHeader, size - kControlHeader));
  message.size = size;
  return message;
}

std::string describe(const SstpMessage& message) {
  const std::string_view name = name_of(message.type);
  if (name == "unknown") return fmt::format("SSTP message {}", static_cast<unsigned>(message.type));
  return message.status.empty() ? std::string(name) : fmt::format("{} ({})", name, message.status);
}

}  // namespace gslb::health
