#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "health/spec.h"

// The two messages of IKEv2 that a probe needs: the request IKE_SA_INIT and the response to it
// (RFC 7296 §1.2). Thread-safe.
namespace gslb::health {

/// The initiator's SPI (RFC 7296 §2.6). Never all zero.
using IkeSpi = std::array<std::uint8_t, 8>;

/// What stands before IKE messages on port 4500 (RFC 7296 §2.23, RFC 3948 §2.2).
inline constexpr std::array<std::uint8_t, 4> kNonEspMarker{};

/// What must not be guessed, and differs in each probe.
struct IkeSecrets {
  IkeSpi spi{};
  std::array<std::uint8_t, 32> nonce{};
  std::array<std::uint8_t, 256> key_exchange{};  ///< As a public value of the 2048-bit MODP group.

  /// From the random source of the kernel.
  static IkeSecrets draw();
};

/// An IKE_SA_INIT request, without the non-ESP marker. kReject offers a cipher with a number for
/// private use that nobody has, so that the responder answers and keeps nothing; kNegotiate what
/// Windows and strongSwan take by default.
std::vector<std::uint8_t> make_ike_sa_init(const IkeSecrets& secrets, IkeMode mode);

/// What a responder said.
struct IkeResponse {
  enum class Kind : std::uint8_t {
    kAccepted,           ///< It chose a proposal.
    kNoProposalChosen,   ///< It wants none of them.
    kInvalidKePayload,   ///< It wants another Diffie-Hellman group.
    kCookie,             ///< It is busy, and wants to see its cookie first (RFC 7296 §2.6).
    kOtherNotification,  ///< Anything else.
  };

  Kind kind = Kind::kOtherNotification;
  std::uint16_t notification = 0;  ///< Its number, with kOtherNotification; 0: it had none.

  /// True for an answer that only a working responder gives.
  bool is_healthy() const noexcept { return kind != Kind::kOtherNotification; }
};

/// Reads the response to a request with `spi`; `message` is without the non-ESP marker. The error
/// says in a few words why it is none. Any octets may come in.
tl::expected<IkeResponse, std::string> parse_ike_response(std::span<const std::uint8_t> message,
                                                          const IkeSpi& spi);

/// "NO_PROPOSAL_CHOSEN", "INVALID_SYNTAX", "notification 12345".
std::string describe(const IkeResponse& response);

}  // namespace gslb::health
