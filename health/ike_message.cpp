#include "health/ike_message.h"

#include <sys/random.h>

#include <algorithm>
#include <cassert>
#include <initializer_list>
#include <optional>

namespace gslb::health {
namespace {

// RFC 7296 §3.1
constexpr std::size_t kHeaderSize = 28;
constexpr std::size_t kNextPayloadAt = 16;
constexpr std::size_t kLengthAt = 24;
constexpr std::uint8_t kVersion2 = 0x20;
constexpr std::uint8_t kExchangeSaInit = 34;
constexpr std::uint8_t kFlagInitiator = 0x08;
constexpr std::uint8_t kFlagResponse = 0x20;
// §3.2
constexpr std::size_t kPayloadHeaderSize = 4;
constexpr std::uint8_t kNoNextPayload = 0;
constexpr std::uint8_t kPayloadSa = 33;
constexpr std::uint8_t kPayloadKe = 34;
constexpr std::uint8_t kPayloadNonce = 40;
constexpr std::uint8_t kPayloadNotify = 41;
// §3.3
constexpr std::uint8_t kLastOfList = 0;
constexpr std::uint8_t kMoreProposals = 2;
constexpr std::uint8_t kMoreTransforms = 3;
constexpr std::uint8_t kProtocolIke = 1;
constexpr std::uint8_t kEncr = 1;
constexpr std::uint8_t kPrf = 2;
constexpr std::uint8_t kInteg = 3;
constexpr std::uint8_t kDh = 4;
constexpr std::uint16_t kKeyLength = 0x8000 | 14;  ///< The attribute, in its short form (§3.3.5).
constexpr std::uint16_t kEncrAesCbc = 12;
constexpr std::uint16_t kEncrPrivateUse = 65535;
constexpr std::uint16_t kPrfSha1 = 2;
constexpr std::uint16_t kPrfSha256 = 5;
constexpr std::uint16_t kPrfSha384 = 6;
constexpr std::uint16_t kIntegSha1 = 2;
constexpr std::uint16_t kIntegSha256 = 12;
constexpr std::uint16_t kIntegSha384 = 13;
constexpr std::uint16_t kDhModp2048 = 14;
constexpr std::uint16_t kDhModp1024 = 2;
constexpr std::uint16_t kDhEcp256 = 19;
// §3.10.1; those below 16384 are errors.
constexpr std::uint16_t kNoProposalChosen = 14;
constexpr std::uint16_t kInvalidKePayload = 17;
constexpr std::uint16_t kFirstStatus = 16384;
constexpr std::uint16_t kCookie = 16390;

struct Transform {
  std::uint8_t type;
  std::uint16_t id;
  std::uint16_t key_bits = 0;  ///< 0: has no length.
};

std::uint16_t read_u16(std::span<const std::uint8_t> octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

/// Appends, and fills in lengths once they are known.
class Writer {
 public:
  void u8(std::uint8_t value) { octets_.push_back(value); }
  void u16(std::uint16_t value) {
    u8(static_cast<std::uint8_t>(value >> 8));
    u8(static_cast<std::uint8_t>(value));
  }
  void append(std::span<const std::uint8_t> octets) {
    octets_.insert(octets_.end(), octets.begin(), octets.end());
  }

  /// The head that payloads, proposals and transforms share. Returns what end() takes.
  std::size_t begin(std::uint8_t next) {
    const std::size_t at = octets_.size();
    u8(next);
    u8(0);
    u16(0);
    return at;
  }
  /// Sets the length of what began at `at`.
  void end(std::size_t at) {
    const std::size_t length = octets_.size() - at;
    octets_[at + 2] = static_cast<std::uint8_t>(length >> 8);
    octets_[at + 3] = static_cast<std::uint8_t>(length);
  }

  std::vector<std::uint8_t> finish() && {
    // The length of the message is of four octets; ours never needs more than two.
    octets_[kLengthAt + 2] = static_cast<std::uint8_t>(octets_.size() >> 8);
    octets_[kLengthAt + 3] = static_cast<std::uint8_t>(octets_.size());
    return std::move(octets_);
  }

 private:
  std::vector<std::uint8_t> octets_;
};

void write_header(Writer& writer, const IkeSpi& spi, std::uint8_t first_payload) {
  writer.append(spi);
  writer.append(IkeSpi{});  // The responder's is not known yet.
  writer.u8(first_payload);
  writer.u8(kVersion2);
  writer.u8(kExchangeSaInit);
  writer.u8(kFlagInitiator);
  for (int i = 0; i < 4; ++i) writer.u16(0);  // Message ID 0, and the length.
}

void write_proposal(Writer& writer, std::uint8_t number, bool is_last,
                    std::initializer_list<Transform> transforms) {
  const std::size_t proposal = writer.begin(is_last ? kLastOfList : kMoreProposals);
  writer.u8(number);
  writer.u8(kProtocolIke);
  writer.u8(0);  // No SPI in a first exchange.
  writer.u8(static_cast<std::uint8_t>(transforms.size()));
  for (const Transform& transform : transforms) {
    const bool is_last_transform = &transform == transforms.end() - 1;
    const std::size_t at = writer.begin(is_last_transform ? kLastOfList : kMoreTransforms);
    writer.u8(transform.type);
    writer.u8(0);
    writer.u16(transform.id);
    if (transform.key_bits > 0) {
      writer.u16(kKeyLength);
      writer.u16(transform.key_bits);
    }
    writer.end(at);
  }
  writer.end(proposal);
}

void write_proposals(Writer& writer, IkeMode mode) {
  if (mode == IkeMode::kReject) {
    write_proposal(
        writer, 1, true,
        {{kEncr, kEncrPrivateUse}, {kPrf, kPrfSha256}, {kInteg, kIntegSha256}, {kDh, kDhModp2048}});
    return;
  }
  // Each transform of a type is an alternative to the others (§3.3.1).
  write_proposal(writer, 1, true,
                 {{kEncr, kEncrAesCbc, 256},
                  {kEncr, kEncrAesCbc, 128},
                  {kPrf, kPrfSha256},
                  {kPrf, kPrfSha384},
                  {kPrf, kPrfSha1},
                  {kInteg, kIntegSha256},
                  {kInteg, kIntegSha384},
                  {kInteg, kIntegSha1},
                  {kDh, kDhModp2048},
                  {kDh, kDhEcp256},
                  {kDh, kDhModp1024}});
}

/// A status notification that comes beside the answer proper, such as NAT_DETECTION_SOURCE_IP.
bool says_nothing(std::uint16_t notification) {
  return notification >= kFirstStatus && notification != kCookie;
}

IkeResponse response_of(std::uint16_t notification) {
  using Kind = IkeResponse::Kind;
  switch (notification) {
    case kNoProposalChosen:
      return {Kind::kNoProposalChosen};
    case kInvalidKePayload:
      return {Kind::kInvalidKePayload};
    case kCookie:
      return {Kind::kCookie};
    default:
      return {Kind::kOtherNotification, notification};
  }
}

tl::expected<IkeResponse, std::string> fail(const char* what) {
  return tl::unexpected<std::string>(what);
}

}  // namespace

IkeSecrets IkeSecrets::draw() {
  IkeSecrets secrets;
  const auto fill = [](std::span<std::uint8_t> octets) {
    // Up to 256 octets come whole once the source is ready (getrandom(2)).
    [[maybe_unused]] const ssize_t size = ::getrandom(octets.data(), octets.size(), 0);
    assert(size == static_cast<ssize_t>(octets.size()));
  };
  fill(secrets.spi);
  fill(secrets.nonce);
  fill(secrets.key_exchange);
  secrets.spi[0] |= 1;              // Never zero.
  secrets.key_exchange[0] &= 0x7f;  // Below the prime, whose first 64 bits are ones (RFC 3526 §3).
  return secrets;
}

std::vector<std::uint8_t> make_ike_sa_init(const IkeSecrets& secrets, IkeMode mode) {
  Writer writer;
  write_header(writer, secrets.spi, kPayloadSa);
  const std::size_t sa = writer.begin(kPayloadKe);
  write_proposals(writer, mode);
  writer.end(sa);
  const std::size_t ke = writer.begin(kPayloadNonce);
  writer.u16(kDhModp2048);
  writer.u16(0);
  writer.append(secrets.key_exchange);
  writer.end(ke);
  const std::size_t nonce = writer.begin(kNoNextPayload);
  writer.append(secrets.nonce);
  writer.end(nonce);
  return std::move(writer).finish();
}

tl::expected<IkeResponse, std::string> parse_ike_response(std::span<const std::uint8_t> message,
                                                          const IkeSpi& spi) {
  if (message.size() < kHeaderSize) return fail("it is shorter than an IKE header");
  if (!std::equal(spi.begin(), spi.end(), message.begin())) return fail("it has another SPI");
  // The version is looked at by its major part alone (§2.5).
  if (message[17] >> 4 != kVersion2 >> 4) return fail("it is not of IKE version 2");
  if (message[18] != kExchangeSaInit) return fail("it is of another exchange");
  if ((message[19] & (kFlagResponse | kFlagInitiator)) != kFlagResponse) {
    return fail("it is not marked as a response");
  }
  if (read_u16(message, 20) != 0 || read_u16(message, 22) != 0) {
    return fail("it has another message ID");
  }
  if (read_u16(message, kLengthAt) != 0 || read_u16(message, kLengthAt + 2) != message.size()) {
    return fail("its length is not that of the datagram");
  }

  bool has_sa = false;
  std::optional<std::uint16_t> notification;
  std::uint8_t type = message[kNextPayloadAt];
  auto rest = message.subspan(kHeaderSize);
  while (type != kNoNextPayload) {
    if (rest.size() < kPayloadHeaderSize) return fail("a payload is cut off");
    const std::size_t length = read_u16(rest, 2);
    if (length < kPayloadHeaderSize || length > rest.size()) return fail("a payload is cut off");
    const auto body = rest.first(length).subspan(kPayloadHeaderSize);
    has_sa = has_sa || type == kPayloadSa;
    if (type == kPayloadNotify) {
      if (body.size() < 4) return fail("a notification is cut off");
      const std::uint16_t found = read_u16(body, 2);
      if (!notification && !says_nothing(found)) notification = found;
    }
    type = rest[0];
    rest = rest.subspan(length);
  }
  if (!rest.empty()) return fail("octets follow its last payload");
  if (notification) return response_of(*notification);
  if (has_sa) return IkeResponse{IkeResponse::Kind::kAccepted};
  return IkeResponse{};
}

std::string describe(const IkeResponse& response) {
  using Kind = IkeResponse::Kind;
  switch (response.kind) {
    case Kind::kAccepted:
      return "a chosen proposal";
    case Kind::kNoProposalChosen:
      return "NO_PROPOSAL_CHOSEN";
    case Kind::kInvalidKePayload:
      return "INVALID_KE_PAYLOAD";
    case Kind::kCookie:
      return "COOKIE";
    case Kind::kOtherNotification:
      break;
  }
  switch (response.notification) {
    case 0:
      return "neither a proposal nor a notification";
    case 1:
      return "UNSUPPORTED_CRITICAL_PAYLOAD";
    case 4:
      return "INVALID_IKE_SPI";
    case 5:
      return "INVALID_MAJOR_VERSION";
    case 7:
      return "INVALID_SYNTAX";
    case 9:
      return "INVALID_MESSAGE_ID";
    case 24:
      return "AUTHENTICATION_FAILED";
    case 43:
      return "TEMPORARY_FAILURE";
    default:
      return "notification " + std::to_string(response.notification);
  }
}

}  // namespace gslb::health
