#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/ip_address.h"
#include "dns/siphash.h"

namespace gslb::dns {

inline constexpr std::size_t kClientCookieSize = 8;  ///< RFC 7873 §4.1
inline constexpr std::size_t kCookieSize = 24;       ///< With the server cookie of RFC 9018 §4.

/// The data of a COOKIE option as it is answered: client cookie, server cookie.
using Cookie = std::array<std::uint8_t, kCookieSize>;

/// What the COOKIE option of a query is worth.
enum class CookieVerdict : std::uint8_t {
  kMalformed,   ///< Of a length that no cookie has: FORMERR (RFC 7873 §5.2.2).
  kClientOnly,  ///< Says nothing of the client yet; answer with a fresh one (§5.2.3).
  kValid,       ///< The client is where it says; answer with the same octets (§5.2.5).
  kValidRenew,  ///< As valid, but answer with a fresh one (RFC 9018 §4.3, §5).
  kBad,         ///< Forged, expired or of another server; the policy is RFC 7873 §5.2.4.
};

/// The secrets behind the server cookies of RFC 9018: the first makes cookies and all of them
/// verify, so that every server of an anycast set takes the cookies of the others and secrets roll
/// over without a bad cookie. Knows no clock and no policy.
///
/// Immutable, so any number of threads may use it at once; part of a snapshot.
class CookieKeys {
 public:
  /// While a secret rolls over there are the current one and the next or previous one
  /// (RFC 9018 §5); the third leaves room for a rollover that was never cleaned up.
  static constexpr std::size_t kMaxSecrets = 3;

  explicit CookieKeys(const SipHashKey& current) noexcept : secrets_{current}, count_(1) {}

  /// One to kMaxSecrets secrets, the current one first.
  explicit CookieKeys(std::span<const SipHashKey> secrets) noexcept;

  std::size_t count() const noexcept { return count_; }

  friend bool operator==(const CookieKeys&, const CookieKeys&) = default;

  /// Judges the data of a COOKIE option that came from `client` at `now_s`, the seconds since 1970
  /// modulo 2^32.
  CookieVerdict verify(std::span<const std::uint8_t> option, const base::IpAddress& client,
                       std::uint32_t now_s) const noexcept;

  /// A fresh cookie for `client`, made with the current secret.
  Cookie make(std::span<const std::uint8_t, kClientCookieSize> client_cookie,
              const base::IpAddress& client, std::uint32_t now_s) const noexcept;

 private:
  std::array<SipHashKey, kMaxSecrets> secrets_;
  std::size_t count_;
};

/// What is wrong with a file of secrets. It never quotes a secret.
struct CookieKeyError {
  std::size_t line = 0;  ///< From 1; 0 where the whole file is meant.
  std::string message;   ///< "what is wrong; what to do"
};

/// Reads secrets of 32 hexadecimal digits, one on a line, the current one first; blank lines and
/// what follows a '#' are passed over. NSD and Unbound read the same file. Reports every error.
tl::expected<CookieKeys, std::vector<CookieKeyError>> parse_cookie_keys(std::string_view text);

/// A secret of this process alone, for a server without a file of secrets.
tl::expected<CookieKeys, std::string> make_random_cookie_keys();

}  // namespace gslb::dns
