#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dns/name.h"
#include "dns/wire.h"

// OpenSSL's EVP_MAC_CTX, without its header.
struct evp_mac_ctx_st;

namespace gslb::dns {

/// The algorithms of RFC 8945 §6 that are to be used today.
enum class TsigAlgorithm : std::uint8_t { kHmacSha256, kHmacSha384, kHmacSha512 };

inline constexpr std::size_t kMaxTsigMac = 64;
/// Longer names of keys could crowd everything else out of a response over UDP.
inline constexpr std::size_t kMaxTsigKeyName = 100;

/// A message authentication code.
struct TsigMac {
  std::array<std::uint8_t, kMaxTsigMac> octets;
  std::size_t size = 0;

  std::span<const std::uint8_t> view() const noexcept { return std::span(octets).first(size); }
};

/// A secret that two servers share, with the name and the algorithm that go with it. Immutable once
/// made, so any number of threads may use it at once.
class TsigKey {
 public:
  /// A secret of any length; a name of at most kMaxTsigKeyName octets. The error says what OpenSSL
  /// lacks.
  static tl::expected<TsigKey, std::string> make(const Name& name, TsigAlgorithm algorithm,
                                                 std::vector<std::uint8_t> secret);

  const Name& name() const noexcept { return name_; }  ///< In lower case.
  TsigAlgorithm algorithm() const noexcept { return algorithm_; }
  /// The algorithm as a name in wire form.
  std::span<const std::uint8_t> algorithm_name() const noexcept;
  std::size_t mac_size() const noexcept;

  friend bool operator==(const TsigKey& a, const TsigKey& b) {
    return a.name_ == b.name_ && a.algorithm_ == b.algorithm_ && a.secret_ == b.secret_;
  }

 private:
  friend class TsigDigest;
  struct Deleter {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };

  TsigKey(Name name, TsigAlgorithm algorithm, std::vector<std::uint8_t> secret,
          evp_mac_ctx_st* context);

  Name name_;
  TsigAlgorithm algorithm_;
  std::vector<std::uint8_t> secret_;
  std::unique_ptr<evp_mac_ctx_st, Deleter> context_;  ///< Keyed, to be copied for each message.
};

/// The keys of the server. Immutable once made; part of a snapshot.
class TsigKeys {
 public:
  /// The names must be distinct.
  explicit TsigKeys(std::vector<TsigKey> keys) : keys_(std::move(keys)) {}

  /// Null where there is none. Both in wire form in lower case.
  const TsigKey* find(std::span<const std::uint8_t> name,
                      std::span<const std::uint8_t> algorithm) const noexcept;

  friend bool operator==(const TsigKeys&, const TsigKeys&) = default;

 private:
  std::vector<TsigKey> keys_;
};

/// Signs the second and every further message of a response over TCP (RFC 8945 §5.3.1). The key
/// must outlive it. A value of one connection; not thread-safe.
class TsigStream {
 public:
  TsigStream(const TsigKey& key, const TsigMac& first) noexcept : key_(&key), prior_(first) {}

  /// As TsigExchange::sign().
  std::size_t sign(std::span<std::uint8_t> out, std::size_t size, std::uint64_t now_s) noexcept;

 private:
  const TsigKey* key_;
  TsigMac prior_;
};

/// One query with a TSIG record and the response to it (RFC 8945 §5): the request is judged when it
/// is read, then the response is signed. Borrows the key, which lives in the snapshot.
///
/// Allocates nothing itself; OpenSSL allocates the context of each digest.
class TsigExchange {
 public:
  /// Judges `message`, whose last record is the TSIG record at `tsig_at`. Nothing where that is
  /// malformed, which calls for FORMERR.
  static std::optional<TsigExchange> read(std::span<const std::uint8_t> message,
                                          std::size_t tsig_at, const TsigKeys& keys,
                                          std::uint64_t now_s) noexcept;

  /// What is wrong with the request, of tsig_error; any but kNone calls for NOTAUTH.
  std::uint16_t error() const noexcept { return error_; }
  /// The key that the request is signed with; null where it is not proven or not accepted.
  const TsigKey* accepted_key() const noexcept {
    return error_ == tsig_error::kNone ? key_ : nullptr;
  }

  /// Octets of the TSIG record of the response.
  std::size_t record_size() const noexcept;

  /// Appends the TSIG record to the response of `size` octets at the front of `out`, which must
  /// have room for record_size() more. Returns the new size, or 0 where OpenSSL fails.
  std::size_t sign(std::span<std::uint8_t> out, std::size_t size) noexcept;

  /// To sign the messages after the one that was signed. Only with accepted_key().
  TsigStream stream() const noexcept { return {*key_, mac_}; }

 private:
  struct LowerName {
    std::array<std::uint8_t, kMaxNameLength> octets;
    std::size_t size = 0;

    std::span<const std::uint8_t> view() const noexcept { return std::span(octets).first(size); }
  };

  TsigExchange() noexcept {}  // Leaves the octets as they are.
  bool is_signed() const noexcept;

  LowerName key_name_;
  LowerName algorithm_name_;
  const TsigKey* key_ = nullptr;  ///< Null: no key has this name and algorithm.
  std::uint16_t error_ = tsig_error::kNone;
  std::uint16_t fudge_ = 0;        ///< Of the request.
  std::uint64_t time_signed_ = 0;  ///< Of the request.
  std::uint64_t now_s_ = 0;
  TsigMac mac_;  ///< Of the request, then of the response.
};

/// What is wrong with a file that holds a secret. It never quotes the secret.
struct TsigSecretError {
  std::size_t line = 0;  ///< From 1; 0 where the whole file is meant.
  std::string message;   ///< "what is wrong; what to do"
};

/// Reads one secret in base64 (RFC 4648 §4), which may go over several lines; blank lines and what
/// follows a '#' are passed over.
tl::expected<std::vector<std::uint8_t>, TsigSecretError> parse_tsig_secret(std::string_view text);

}  // namespace gslb::dns
