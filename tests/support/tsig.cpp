#include "tests/support/tsig.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

#include "tests/support/test_snapshot.h"

namespace gslb::support {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint16_t kTypeTsig = 250;
constexpr std::uint16_t kClassAny = 255;

void append(Bytes& to, std::span<const std::uint8_t> octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}

/// A big-endian number of so many octets.
void append(Bytes& to, std::uint64_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

std::uint64_t number(std::span<const std::uint8_t> octets) {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8 | octet;
  return value;
}

Bytes wire(const std::string& text) {
  const dns::Name lower = name(text).lower();
  return {lower.wire().begin(), lower.wire().end()};
}

/// Behind the name at `at`; the size of the message where it does not end within.
std::size_t skip_name(std::span<const std::uint8_t> message, std::size_t at) {
  while (at < message.size()) {
    if (message[at] >= 0xC0) return at + 2;
    if (message[at] == 0) return at + 1;
    at += 1U + message[at];
  }
  return message.size();
}

/// The uncompressed name at `at`, which moves behind it.
std::string take_name(std::span<const std::uint8_t> message, std::size_t& at) {
  const std::size_t end = skip_name(message, at);
  const auto octets = message.subspan(at, end - at);
  at = end;
  return dns::Name::from_wire(octets).to_string();
}

dns::TsigAlgorithm algorithm_of(const std::string& text) {
  if (text == "hmac-sha256") return dns::TsigAlgorithm::kHmacSha256;
  if (text == "hmac-sha384") return dns::TsigAlgorithm::kHmacSha384;
  if (text == "hmac-sha512") return dns::TsigAlgorithm::kHmacSha512;
  std::abort();
}

}  // namespace

std::shared_ptr<const dns::TsigKeys> make_keys(const TsigSecret& secret) {
  auto key = dns::TsigKey::make(name(secret.name), algorithm_of(secret.algorithm), secret.secret);
  if (!key) std::abort();
  std::vector<dns::TsigKey> keys;
  keys.push_back(std::move(*key));
  return std::make_shared<const dns::TsigKeys>(std::move(keys));
}

Bytes join(const SignedMessage& parts) {
  Bytes all = parts.message;
  all[11] = static_cast<std::uint8_t>(all[11] + 1);
  append(all, wire(parts.key));
  append(all, kTypeTsig, 2);
  append(all, kClassAny, 2);
  append(all, 0, 4);
  Bytes rdata = wire(parts.algorithm);
  append(rdata, parts.time_signed, 6);
  append(rdata, parts.fudge, 2);
  append(rdata, parts.mac.size(), 2);
  append(rdata, parts.mac);
  append(rdata, parts.original_id, 2);
  append(rdata, parts.error, 2);
  append(rdata, parts.other.size(), 2);
  append(rdata, parts.other);
  append(all, rdata.size(), 2);
  append(all, rdata);
  return all;
}

std::optional<SignedMessage> split(std::span<const std::uint8_t> message) {
  const auto count = [&](std::size_t at) { return number(message.subspan(at, 2)); };
  if (message.size() < 12 || count(10) == 0) return std::nullopt;
  std::size_t at = 12;
  for (std::size_t i = 0; i < count(4); ++i) at = skip_name(message, at) + 4;
  const std::size_t records = count(6) + count(8) + count(10);
  for (std::size_t i = 0; i + 1 < records; ++i) {
    at = skip_name(message, at) + 8;
    if (at + 2 > message.size()) return std::nullopt;
    at += 2 + count(at);
  }
  if (at >= message.size()) return std::nullopt;
  SignedMessage parts;
  append(parts.message, message.first(at));
  parts.message[11] = static_cast<std::uint8_t>(parts.message[11] - 1);
  parts.key = take_name(message, at);
  if (at + 10 > message.size() || count(at) != kTypeTsig || count(at + 2) != kClassAny) {
    return std::nullopt;
  }
  at += 10;
  parts.algorithm = take_name(message, at);
  const auto take = [&](std::size_t octets) {
    if (message.size() - at < octets) std::abort();
    at += octets;
    return message.subspan(at - octets, octets);
  };
  parts.time_signed = number(take(6));
  parts.fudge = static_cast<std::uint16_t>(number(take(2)));
  append(parts.mac, take(number(take(2))));
  parts.original_id = static_cast<std::uint16_t>(number(take(2)));
  parts.error = static_cast<std::uint16_t>(number(take(2)));
  append(parts.other, take(number(take(2))));
  if (at != message.size()) return std::nullopt;
  return parts;
}

Bytes mac_of(const SignedMessage& parts, const TsigSecret& secret,
             std::span<const std::uint8_t> prior, bool is_first) {
  Bytes data;
  if (!prior.empty()) {
    append(data, prior.size(), 2);
    append(data, prior);
  }
  append(data, parts.original_id, 2);
  append(data, std::span(parts.message).subspan(2));
  if (is_first) {
    append(data, wire(parts.key));
    append(data, kClassAny, 2);
    append(data, 0, 4);
    append(data, wire(parts.algorithm));
  }
  append(data, parts.time_signed, 6);
  append(data, parts.fudge, 2);
  if (is_first) {
    append(data, parts.error, 2);
    append(data, parts.other.size(), 2);
    append(data, parts.other);
  }
  const EVP_MD* digest = secret.algorithm == "hmac-sha256"   ? EVP_sha256()
                         : secret.algorithm == "hmac-sha384" ? EVP_sha384()
                                                             : EVP_sha512();
  Bytes mac(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  HMAC(digest, secret.secret.data(), static_cast<int>(secret.secret.size()), data.data(),
       data.size(), mac.data(), &size);
  mac.resize(size);
  return mac;
}

SignedMessage sign_parts(std::span<const std::uint8_t> query, const TsigSecret& secret,
                         std::uint64_t time_signed) {
  SignedMessage parts;
  append(parts.message, query);
  parts.key = secret.name;
  parts.algorithm = secret.algorithm;
  parts.time_signed = time_signed;
  parts.original_id = static_cast<std::uint16_t>(number(query.first(2)));
  parts.mac = mac_of(parts, secret);
  return parts;
}

Bytes sign(std::span<const std::uint8_t> query, const TsigSecret& secret,
           std::uint64_t time_signed) {
  return join(sign_parts(query, secret, time_signed));
}

}  // namespace gslb::support
