#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dns/name.h"

// OpenSSL's EVP_PKEY, without its header.
struct evp_pkey_st;

namespace gslb::zones {

/// When a key is in which state, as in BIND's key files (dnssec-settime(8)). What a missing one
/// means, the predicates of DnssecKey say.
struct KeyTiming {
  using Time = std::optional<std::chrono::sys_seconds>;

  Time created = std::nullopt;
  Time publish = std::nullopt;
  Time activate = std::nullopt;
  Time inactive = std::nullopt;
  Time remove = std::nullopt;
  Time sync_publish = std::nullopt;
  Time sync_remove = std::nullopt;

  bool operator==(const KeyTiming&) const = default;
};

/// The numbers of the IANA registry "DNS Security Algorithm Numbers".
enum class KeyAlgorithm : std::uint8_t {
  kEcdsaP256Sha256 = 13,  ///< RFC 6605
  kEd25519 = 15,          ///< RFC 8080
};

/// "ECDSAP256SHA256", "ED25519": the mnemonics of the registry.
std::string_view to_string(KeyAlgorithm algorithm) noexcept;

namespace dnskey_flag {
inline constexpr std::uint16_t kZone = 0x0100;    ///< RFC 4034 §2.1.1
inline constexpr std::uint16_t kRevoke = 0x0080;  ///< RFC 5011 §7
inline constexpr std::uint16_t kSep = 0x0001;     ///< RFC 4034 §2.1.1, secure entry point
}  // namespace dnskey_flag

/// One key pair of a zone. Knows no files; zones/dnssec_key_file.h reads and writes those.
/// Immutable, so safe to use from any thread, sign() included.
class DnssecKey {
 public:
  using Time = std::chrono::sys_seconds;

  /// From the private half alone: the scalar (P-256) or the seed (Ed25519), 32 octets; a scalar may
  /// come without its leading zeros. The error says what is wrong with it.
  static tl::expected<std::shared_ptr<const DnssecKey>, std::string> make(
      dns::Name zone, std::uint16_t flags, KeyAlgorithm algorithm,
      std::span<const std::uint8_t> private_key, const KeyTiming& timing);

  /// The same key with other times.
  std::shared_ptr<const DnssecKey> with_timing(const KeyTiming& timing) const;

  const dns::Name& zone() const noexcept { return zone_; }
  std::uint16_t flags() const noexcept { return flags_; }
  bool is_sep() const noexcept { return (flags_ & dnskey_flag::kSep) != 0; }
  KeyAlgorithm algorithm() const noexcept { return algorithm_; }
  std::uint16_t tag() const noexcept { return tag_; }
  /// The RDATA of the DNSKEY record, and of CDNSKEY (RFC 7344 §3.2).
  const std::vector<std::uint8_t>& dnskey() const noexcept { return dnskey_; }
  const KeyTiming& timing() const noexcept { return timing_; }

  // The meaning is that of BIND 9.18. Each holds from its time on, that second included.

  /// In the DNSKEY RRset: from Publish or Activate, whichever comes first, until Delete. Without
  /// either, never.
  bool is_published(Time now) const noexcept;
  /// Signs: from Activate until Inactive or Delete. Without Activate, never.
  bool is_active(Time now) const noexcept;
  /// In CDS and CDNSKEY: from SyncPublish until SyncDelete, while published. Without SyncPublish,
  /// never.
  bool is_sync_published(Time now) const noexcept;

  /// The earliest time after `now` at which one of the three may change.
  std::optional<Time> next_change(Time now) const noexcept;

  /// The signature over `data` in the form of RRSIG: r and s for P-256 (RFC 6605 §4), R and S for
  /// Ed25519 (RFC 8080 §4); 64 octets. Empty where the crypto library fails.
  std::vector<std::uint8_t> sign(std::span<const std::uint8_t> data) const;

  /// What BIND names the files of the key, without ".key" and ".private":
  /// "Kgslb.example.com.+013+12345".
  std::string file_name() const;

 private:
  using Handle = std::shared_ptr<evp_pkey_st>;

  DnssecKey(dns::Name zone, std::uint16_t flags, KeyAlgorithm algorithm, Handle handle,
            std::vector<std::uint8_t> dnskey, const KeyTiming& timing);

  dns::Name zone_;
  std::uint16_t flags_;
  KeyAlgorithm algorithm_;
  Handle handle_;
  std::vector<std::uint8_t> dnskey_;
  std::uint16_t tag_;
  KeyTiming timing_;
};

/// DnssecKey::file_name() of a key.
std::string key_file_name(const dns::Name& zone, std::uint8_t algorithm, std::uint16_t tag);

/// A fresh private half for DnssecKey::make(); empty where the crypto library fails.
std::vector<std::uint8_t> make_private_key(KeyAlgorithm algorithm);

/// RFC 4034 appendix B.
std::uint16_t key_tag(std::span<const std::uint8_t> dnskey) noexcept;

/// The numbers of the IANA registry "DS RR Type Digest Algorithms".
enum class DsDigest : std::uint8_t {
  kSha256 = 2,  ///< RFC 4509
  kSha384 = 4,  ///< RFC 6605 §2
};

/// The RDATA of the DS record at the parent (RFC 4034 §5.1), and of CDS (RFC 7344 §3.1). Empty
/// where the crypto library fails.
std::vector<std::uint8_t> ds_rdata(const DnssecKey& key, DsDigest digest);

}  // namespace gslb::zones
