#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

// SSTP as a probe needs it ([MS-SSTP], the sections are those of revision 22).
namespace gslb::health {

/// §3.2.4.1: what opens the duplex stream. `host` stands in the Host header, `correlation_id` is a
/// GUID in braces.
std::string make_sstp_request(std::string_view path, std::string_view host,
                              std::string_view correlation_id);

/// §2.2.9: asks for a call that carries PPP.
std::string make_sstp_call_connect_request();

/// §2.2.13: ends it, for no reason of the status kind.
std::string make_sstp_call_abort();

enum class SstpMessageType : std::uint16_t {
  kCallConnectRequest = 1,
  kCallConnectAck = 2,
  kCallConnectNak = 3,
  kCallConnected = 4,
  kCallAbort = 5,
  kCallDisconnect = 6,
  kCallDisconnectAck = 7,
  kEchoRequest = 8,
  kEchoResponse = 9,
};

/// A control packet (§2.2.2).
struct SstpMessage {
  SstpMessageType type = SstpMessageType::kCallAbort;
  /// Of a NAK or an abort: the status that it tells (§2.2.4), in words; may be empty.
  std::string status;
  std::size_t size = 0;  ///< In octets, of the whole packet.
};

/// The packet at the beginning of `bytes`; nothing while it is incomplete. Any octets are safe. The
/// error says what is wrong: "SSTP version 2.0".
tl::expected<std::optional<SstpMessage>, std::string> parse_sstp_message(std::string_view bytes);

/// "SSTP_MSG_CALL_CONNECT_NAK (retry count exceeded)"
std::string describe(const SstpMessage& message);

}  // namespace gslb::health
