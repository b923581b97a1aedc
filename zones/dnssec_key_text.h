#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dns/name.h"
#include "zones/dnssec_key.h"

// The text of the two files of a key, without the files. Each error is "what is wrong; what to do".
namespace gslb::zones {

/// What a ".key" file says: one DNSKEY record, in the form of a master file.
struct PublicKeyText {
  dns::Name owner;
  std::vector<std::uint8_t> dnskey;  ///< The RDATA; of an algorithm and with flags that we take.
};
tl::expected<PublicKeyText, std::string> parse_public_key(std::string_view text);

/// What a ".private" file says.
struct PrivateKeyText {
  KeyAlgorithm algorithm = KeyAlgorithm::kEcdsaP256Sha256;
  std::vector<std::uint8_t> private_key;
  KeyTiming timing;
};
tl::expected<PrivateKeyText, std::string> parse_private_key(std::string_view text);

/// The files of a new key, without times.
std::string format_public_key(const DnssecKey& key);
std::string format_private_key(KeyAlgorithm algorithm,
                               const std::vector<std::uint8_t>& private_key);

/// The files of a key with these times instead of theirs.
std::string with_timing_comments(std::string_view public_text, const KeyTiming& timing);
std::string with_timing_fields(std::string_view private_text, const KeyTiming& timing);

/// The algorithm of that number, or why it is none that we take.
tl::expected<KeyAlgorithm, std::string> supported_algorithm(unsigned number);

}  // namespace gslb::zones
