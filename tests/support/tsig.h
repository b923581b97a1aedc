#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/tsig.h"

// A second implementation of TSIG (RFC 8945), as plain as it can be: what a client does. Tests hold
// that of the server against it.
namespace gslb::support {

/// A key as both sides have it.
struct TsigSecret {
  std::string name = "transfer.example.com";
  std::string algorithm = "hmac-sha256";
  std::vector<std::uint8_t> secret = std::vector<std::uint8_t>(32, 0x5A);
};

/// The keys of a server that has this one.
std::shared_ptr<const dns::TsigKeys> make_keys(const TsigSecret& secret = {});

/// A TSIG record, and the message without it.
struct SignedMessage {
  std::vector<std::uint8_t> message;
  std::string key;
  std::string algorithm;
  std::uint64_t time_signed = 0;
  std::uint16_t fudge = 300;
  std::vector<std::uint8_t> mac;
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  std::vector<std::uint8_t> other;
};

/// Both parts in one: with whatever MAC is there.
std::vector<std::uint8_t> join(const SignedMessage& parts);
/// Nothing where the last record is no TSIG record.
std::optional<SignedMessage> split(std::span<const std::uint8_t> message);

/// The right MAC. `prior` is that of the request for a response and empty for a request;
/// `is_first` is false for the further messages of a response over TCP.
std::vector<std::uint8_t> mac_of(const SignedMessage& parts, const TsigSecret& secret,
                                 std::span<const std::uint8_t> prior = {}, bool is_first = true);

/// A request with the right MAC in its parts, to be bent before it is joined.
SignedMessage sign_parts(std::span<const std::uint8_t> query, const TsigSecret& secret,
                         std::uint64_t time_signed);
std::vector<std::uint8_t> sign(std::span<const std::uint8_t> query, const TsigSecret& secret,
                               std::uint64_t time_signed);

}  // namespace gslb::support
