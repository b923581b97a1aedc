#include "dns/cookie.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>

#include "dns/wire.h"

namespace gslb::dns {
namespace {

constexpr std::uint8_t kVersion = 1;  // RFC 9018 §4.1
constexpr std::size_t kTimestampOffset = 12;
constexpr std::size_t kHashOffset = 16;

// RFC 7873 §4: a server cookie is 8 to 32 octets long.
constexpr std::size_t kShortestCookie = 16;
constexpr std::size_t kLongestCookie = 40;

// RFC 9018 §4.3, in seconds.
constexpr std::int32_t kRenewAfter = 30 * 60;
constexpr std::int32_t kLifetime = 60 * 60;
constexpr std::int32_t kClockSkew = 5 * 60;

/// The octets of an IPv4 address, also of one that reached an IPv6 socket as IPv4-mapped
/// (RFC 4291 §2.5.5.2): servers of one anycast set may listen in different ways.
std::span<const std::uint8_t> canonical_octets(const base::IpAddress& client) noexcept {
  constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  const std::span<const std::uint8_t> octets = client.bytes();
  const bool mapped = client.is_v6() && std::memcmp(octets.data(), kMapped, sizeof kMapped) == 0;
  return mapped ? octets.last(4) : octets;
}

/// RFC 9018 §4.4: SipHash-2-4 of client cookie, version, reserved, timestamp and address. The
/// reserved octets count as they are (appendix A.3).
std::uint64_t hash_cookie(const SipHashKey& secret, const std::uint8_t* cookie,
                          const base::IpAddress& client) noexcept {
  const std::span<const std::uint8_t> address = canonical_octets(client);
  SipHasher<2, 4> hasher(secret);
  hasher.add(load_le64(cookie));
  hasher.add(load_le64(cookie + kClientCookieSize));
  if (address.size() == 4) {
    const std::uint64_t tail = __builtin_bswap32(load_u32(address.data()));
    return hasher.finish(tail, kHashOffset + 4);
  }
  hasher.add(load_le64(address.data()));
  hasher.add(load_le64(address.data() + 8));
  return hasher.finish(0, kHashOffset + 16);
}

/// The part of a line before its comment, without blanks at the ends.
std::string_view trim(std::string_view line) {
  line = line.substr(0, line.find('#'));
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlanks) - begin + 1);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<SipHashKey> parse_secret(std::string_view digits) {
  std::array<std::uint8_t, kSipHashKeySize> octets;
  if (digits.size() != 2 * octets.size()) return std::nullopt;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const int high = hex_digit(digits[2 * i]);
    const int low = hex_digit(digits[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    octets[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return make_siphash_key(octets);
}

/// Collects the secrets of a file, line by line.
class KeyFileReader {
 public:
  void read_line(std::string_view line) {
    ++line_;
    const std::string_view digits = trim(line);
    if (digits.empty()) return;
    const std::optional<SipHashKey> secret = parse_secret(digits);
    if (!secret) {
      return fail("is no secret of 32 hexadecimal digits; make one with 'openssl rand -hex 16'");
    }
    const auto same = std::find(secrets_.begin(), secrets_.end(), *secret);
    if (same != secrets_.end()) {
      const auto index = static_cast<std::size_t>(same - secrets_.begin());
      return fail("repeats the secret of line " + std::to_string(lines_[index]) + "; remove one");
    }
    if (secrets_.size() == CookieKeys::kMaxSecrets) {
      return fail("is one secret too many, at most " + std::to_string(CookieKeys::kMaxSecrets) +
                  " are used; remove those that rolled over more than an hour ago");
    }
    secrets_.push_back(*secret);
    lines_.push_back(line_);
  }

  tl::expected<CookieKeys, std::vector<CookieKeyError>> finish() && {
    if (secrets_.empty() && errors_.empty()) {
      errors_.push_back({0, "holds no secret; add a line of 32 hexadecimal digits"});
    }
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    return CookieKeys(secrets_);
  }

 private:
  void fail(std::string message) { errors_.push_back({line_, std::move(message)}); }

  std::size_t line_ = 0;
  std::vector<SipHashKey> secrets_;
  std::vector<std::size_t> lines_;  ///< Of each secret.
  std::vector<CookieKeyError> errors_;
};

}  // namespace

CookieKeys::CookieKeys(std::span<const SipHashKey> secrets) noexcept
    : secrets_{}, count_(std::min(secrets.size(), kMaxSecrets)) {
  assert(!secrets.empty() && secrets.size() <= kMaxSecrets);
  std::copy_n(secrets.begin(), count_, secrets_.begin());
}

CookieVerdict CookieKeys::verify(std::span<const std::uint8_t> option,
                                 const base::IpAddress& client,
                                 std::uint32_t now_s) const noexcept {
  if (option.size() == kClientCookieSize) return CookieVerdict::kClientOnly;
  if (option.size() < kShortestCookie || option.size() > kLongestCookie) {
    return CookieVerdict::kMalformed;
  }
  if (option.size() != kCookieSize || option[kClientCookieSize] != kVersion) {
    return CookieVerdict::kBad;
  }
  // RFC 1982 §3.2: the difference modulo 2^32, read as a signed number. Two times that are 2^31
  // apart have no order; that counts as the far future.
  const auto age = static_cast<std::int32_t>(now_s - load_u32(&option[kTimestampOffset]));
  if (age > kLifetime || age < -kClockSkew) return CookieVerdict::kBad;

  const std::uint64_t hash = load_le64(&option[kHashOffset]);
  for (std::size_t i = 0; i < count_; ++i) {
    if (hash != hash_cookie(secrets_[i], option.data(), client)) continue;
    // RFC 9018 §5: what another secret made is replaced by what the current one makes.
    return i > 0 || age > kRenewAfter ? CookieVerdict::kValidRenew : CookieVerdict::kValid;
  }
  return CookieVerdict::kBad;
}

Cookie CookieKeys::make(std::span<const std::uint8_t, kClientCookieSize> client_cookie,
                        const base::IpAddress& client, std::uint32_t now_s) const noexcept {
  Cookie cookie{};
  std::copy(client_cookie.begin(), client_cookie.end(), cookie.begin());
  cookie[kClientCookieSize] = kVersion;
  store_u32(&cookie[kTimestampOffset], now_s);
  std::uint64_t hash = hash_cookie(secrets_[0], cookie.data(), client);
  for (std::size_t i = kHashOffset; i < kCookieSize; ++i, hash >>= 8) {
    cookie[i] = static_cast<std::uint8_t>(hash);
  }
  return cookie;
}

tl::expected<CookieKeys, std::vector<CookieKeyError>> parse_cookie_keys(std::string_view text) {
  KeyFileReader reader;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    reader.read_line(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return std::move(reader).finish();
}

tl::expected<CookieKeys, std::string> make_random_cookie_keys() {
  return make_random_siphash_key().map([](const SipHashKey& key) { return CookieKeys(key); });
}

}  // namespace gslb::dns
