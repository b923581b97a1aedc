#include "dns/tsig.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace gslb::dns {
namespace {

constexpr std::uint16_t kFudge = 300;  // RFC 8945 §10: recommended, in seconds.
constexpr std::size_t kTimeSize = 6;   // A 48-bit number.
/// Of the record, without names, MAC and other data: TYPE, CLASS, TTL and RDLENGTH, then Time
/// Signed, Fudge, MAC Size, Original ID, Error and Other Len (§4.2).
constexpr std::size_t kFixedRecord = 10;
constexpr std::size_t kFixedRdata = kTimeSize + 10;

struct AlgorithmInfo {
  std::string_view wire;  ///< In lower case.
  const char* digest;     ///< As OpenSSL names it.
  std::size_t mac_size;
};

/// By TsigAlgorithm.
constexpr std::array<AlgorithmInfo, 3> kAlgorithms{{
    {std::string_view("\13hmac-sha256\0", 13), "SHA256", 32},
    {std::string_view("\13hmac-sha384\0", 13), "SHA384", 48},
    {std::string_view("\13hmac-sha512\0", 13), "SHA512", 64},
}};

const AlgorithmInfo& info_of(TsigAlgorithm algorithm) noexcept {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

std::uint64_t load_u48(const std::uint8_t* at) noexcept {
  return std::uint64_t{load_u16(at)} << 32 | load_u32(at + 2);
}

void store_u48(std::uint8_t* at, std::uint64_t value) noexcept {
  store_u16(at, static_cast<std::uint16_t>(value >> 32));
  store_u32(at + 2, static_cast<std::uint32_t>(value));
}

/// A bounded walk through a message.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> message, std::size_t at) noexcept
      : message_(message), at_(at) {}

  std::size_t left() const noexcept { return message_.size() - at_; }

  /// The next octets; empty where there are not so many.
  std::span<const std::uint8_t> take(std::size_t octets) noexcept {
    if (left() < octets) return {};
    at_ += octets;
    return message_.subspan(at_ - octets, octets);
  }

  /// Takes a name in lower case. Returns its length, 0 where it is malformed. A pointer must lead
  /// backwards (RFC 1035 §4.1.4), so that the walk ends.
  std::size_t take_name(std::array<std::uint8_t, kMaxNameLength>& into,
                        bool may_be_compressed) noexcept {
    std::size_t size = 0;
    std::size_t at = at_;
    std::size_t lowest = at_;
    bool has_jumped = false;
    while (at < message_.size()) {
      const std::uint8_t length = message_[at];
      if (length >= 0xC0) {
        if (!may_be_compressed || message_.size() - at < 2) return 0;
        const std::size_t target = load_u16(&message_[at]) & 0x3FFFU;
        if (target < kHeaderSize || target >= lowest) return 0;
        if (!has_jumped) at_ = at + 2;
        has_jumped = true;
        at = lowest = target;
        continue;
      }
      const std::size_t octets = std::size_t{length} + 1;
      if (length > kMaxLabelLength || message_.size() - at < octets ||
          size + octets > kMaxNameLength) {
        return 0;
      }
      into[size] = length;
      for (std::size_t i = 1; i < octets; ++i) into[size + i] = to_lower(message_[at + i]);
      size += octets;
      at += octets;
      if (length > 0) continue;
      if (!has_jumped) at_ = at;
      return size;
    }
    return 0;
  }

 private:
  std::span<const std::uint8_t> message_;
  std::size_t at_;
};

/// What a TSIG record says besides the names (RFC 8945 §4.2). Borrows from the message.
struct Fields {
  std::uint64_t time_signed;
  std::uint16_t fudge;
  std::span<const std::uint8_t> mac;
  std::uint16_t original_id;
  std::uint16_t error;
  std::span<const std::uint8_t> other;
};

/// Exactly what `reader` has left.
std::optional<Fields> read_fields(Reader& reader) noexcept {
  Fields fields;
  const auto head = reader.take(kTimeSize + 4);
  if (head.empty()) return std::nullopt;
  fields.time_signed = load_u48(&head[0]);
  fields.fudge = load_u16(&head[kTimeSize]);
  const std::size_t mac_size = load_u16(&head[kTimeSize + 2]);
  fields.mac = reader.take(mac_size);
  const auto tail = reader.take(6);
  if (fields.mac.size() != mac_size || tail.empty()) return std::nullopt;
  fields.original_id = load_u16(&tail[0]);
  fields.error = load_u16(&tail[2]);
  const std::size_t other_size = load_u16(&tail[4]);
  if (reader.left() != other_size) return std::nullopt;
  fields.other = reader.take(other_size);
  return fields;
}

/// How many of the request's MAC octets are acceptable (RFC 8945 §5.2.2.1).
bool is_mac_size_valid(std::size_t size, std::size_t full) noexcept {
  constexpr std::size_t kShortest = 10;
  return size <= full && size >= std::max(kShortest, full / 2);
}

/// The parts of a TSIG record that are written to a response.
struct Record {
  std::span<const std::uint8_t> key_name;
  std::span<const std::uint8_t> algorithm_name;
  std::uint64_t time_signed;
  std::uint16_t fudge;
  std::uint16_t error;
  std::span<const std::uint8_t> other;

  std::size_t size(std::size_t mac_size) const noexcept {
    return key_name.size() + kFixedRecord + algorithm_name.size() + kFixedRdata + mac_size +
           other.size();
  }

  /// Appends the record to a message and counts it there.
  std::size_t append(std::span<std::uint8_t> out, std::size_t at,
                     std::span<const std::uint8_t> mac) const noexcept {
    assert(out.size() - at >= size(mac.size()));
    std::uint8_t* to = &out[at];
    const auto put = [&to](std::span<const std::uint8_t> octets) {
      if (!octets.empty()) std::memcpy(to, octets.data(), octets.size());
      to += octets.size();
    };
    const auto put_u16 = [&to](std::size_t value) {
      store_u16(to, static_cast<std::uint16_t>(value));
      to += 2;
    };
    put(key_name);
    put_u16(type::kTsig);
    put_u16(klass::kAny);
    store_u32(to, 0);  // TTL
    to += 4;
    put_u16(algorithm_name.size() + kFixedRdata + mac.size() + other.size());
    put(algorithm_name);
    store_u48(to, time_signed);
    to += kTimeSize;
    put_u16(fudge);
    put_u16(mac.size());
    put(mac);
    put_u16(load_u16(&out[0]));  // Original ID
    put_u16(error);
    put_u16(other.size());
    put(other);
    store_u16(&out[10], static_cast<std::uint16_t>(load_u16(&out[10]) + 1));  // ARCOUNT
    return static_cast<std::size_t>(to - out.data());
  }
};

}  // namespace

/// The MAC over one message. Once OpenSSL fails, finish() says so.
class TsigDigest {
 public:
  explicit TsigDigest(const TsigKey& key) noexcept
      : context_(EVP_MAC_CTX_dup(key.context_.get())), is_ok_(context_ != nullptr) {}

  void add(std::span<const std::uint8_t> octets) noexcept {
    is_ok_ = is_ok_ && EVP_MAC_update(context_.get(), octets.data(), octets.size()) == 1;
  }
  void add_u16(std::size_t value) noexcept {
    std::array<std::uint8_t, 2> octets;
    store_u16(octets.data(), static_cast<std::uint16_t>(value));
    add(octets);
  }
  void add_u48(std::uint64_t value) noexcept {
    std::array<std::uint8_t, kTimeSize> octets;
    store_u48(octets.data(), value);
    add(octets);
  }

  /// RFC 8945 §4.3.1, §5.3.1: a MAC that goes before, with its size.
  void add_mac(std::span<const std::uint8_t> mac) noexcept {
    add_u16(mac.size());
    add(mac);
  }

  /// RFC 8945 §4.3.3
  void add_variables(const Record& record) noexcept {
    constexpr std::array<std::uint8_t, 6> kClassAndTtl = {0, klass::kAny, 0, 0, 0, 0};
    add(record.key_name);
    add(kClassAndTtl);
    add(record.algorithm_name);
    add_timers(record);
    add_u16(record.error);
    add_u16(record.other.size());
    add(record.other);
  }
  void add_timers(const Record& record) noexcept {
    add_u48(record.time_signed);
    add_u16(record.fudge);
  }

  bool finish(TsigMac& mac) noexcept {
    return is_ok_ &&
           EVP_MAC_final(context_.get(), mac.octets.data(), &mac.size, mac.octets.size()) == 1;
  }

 private:
  std::unique_ptr<evp_mac_ctx_st, TsigKey::Deleter> context_;
  bool is_ok_;
};

TsigKey::TsigKey(Name name, TsigAlgorithm algorithm, std::vector<std::uint8_t> secret,
                 evp_mac_ctx_st* context)
    : name_(std::move(name)),
      algorithm_(algorithm),
      secret_(std::move(secret)),
      context_(context) {}

void TsigKey::Deleter::operator()(evp_mac_ctx_st* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

tl::expected<TsigKey, std::string> TsigKey::make(const Name& name, TsigAlgorithm algorithm,
                                                 std::vector<std::uint8_t> secret) {
  assert(name.length() <= kMaxTsigKeyName);
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr), &EVP_MAC_free);
  std::unique_ptr<EVP_MAC_CTX, Deleter> context(hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr);
  std::string digest = info_of(algorithm).digest;
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  if (!context ||
      EVP_MAC_init(context.get(), secret.data(), secret.size(), parameters.data()) != 1) {
    return tl::unexpected("OpenSSL offers no HMAC with " + digest +
                          "; check its configuration, or use another algorithm");
  }
  return TsigKey(name.lower(), algorithm, std::move(secret), context.release());
}

std::span<const std::uint8_t> TsigKey::algorithm_name() const noexcept {
  const std::string_view wire = info_of(algorithm_).wire;
  return {reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()};
}

std::size_t TsigKey::mac_size() const noexcept { return info_of(algorithm_).mac_size; }

const TsigKey* TsigKeys::find(std::span<const std::uint8_t> name,
                              std::span<const std::uint8_t> algorithm) const noexcept {
  for (const TsigKey& key : keys_) {
    if (std::ranges::equal(key.name().wire(), name)) {
      return std::ranges::equal(key.algorithm_name(), algorithm) ? &key : nullptr;
    }
  }
  return nullptr;
}

std::size_t TsigStream::sign(std::span<std::uint8_t> out, std::size_t size,
                             std::uint64_t now_s) noexcept {
  const Record record{
      key_->name().wire(), key_->algorithm_name(), now_s, kFudge, tsig_error::kNone, {}};
  TsigDigest digest(*key_);
  digest.add_mac(prior_.view());
  digest.add(out.first(size));
  digest.add_timers(record);
  if (!digest.finish(prior_)) return 0;
  return record.append(out, size, prior_.view());
}

std::optional<TsigExchange> TsigExchange::read(std::span<const std::uint8_t> message,
                                               std::size_t tsig_at, const TsigKeys& keys,
                                               std::uint64_t now_s) noexcept {
  TsigExchange exchange;
  exchange.now_s_ = now_s;
  Reader reader(message, tsig_at);
  exchange.key_name_.size = reader.take_name(exchange.key_name_.octets, true);
  const auto fixed = reader.take(kFixedRecord);
  if (exchange.key_name_.size == 0 || fixed.empty()) return std::nullopt;
  // RFC 8945 §4.2: class ANY, TTL 0; and nothing follows the record.
  if (load_u16(&fixed[2]) != klass::kAny || load_u32(&fixed[4]) != 0 ||
      load_u16(&fixed[8]) != reader.left()) {
    return std::nullopt;
  }
  // RFC 3597 §4: names in the RDATA of types that are not well-known are not compressed.
  exchange.algorithm_name_.size = reader.take_name(exchange.algorithm_name_.octets, false);
  if (exchange.algorithm_name_.size == 0) return std::nullopt;
  const std::optional<Fields> fields = read_fields(reader);
  if (!fields) return std::nullopt;
  exchange.time_signed_ = fields->time_signed;
  exchange.fudge_ = fields->fudge;

  // §5.2: the checks in their order.
  exchange.key_ = keys.find(exchange.key_name_.view(), exchange.algorithm_name_.view());
  if (exchange.key_ == nullptr) {
    exchange.error_ = tsig_error::kBadKey;  // §5.2.1
    return exchange;
  }
  if (!is_mac_size_valid(fields->mac.size(), exchange.key_->mac_size())) return std::nullopt;

  TsigDigest digest(*exchange.key_);
  std::array<std::uint8_t, kHeaderSize> header;  // §4.3.2: as the request was before it was signed.
  std::memcpy(header.data(), message.data(), header.size());
  store_u16(&header[0], fields->original_id);
  store_u16(&header[10], static_cast<std::uint16_t>(load_u16(&header[10]) - 1));
  digest.add(header);
  digest.add(message.subspan(kHeaderSize, tsig_at - kHeaderSize));
  digest.add_variables({exchange.key_name_.view(), exchange.algorithm_name_.view(),
                        fields->time_signed, fields->fudge, fields->error, fields->other});
  TsigMac expected;
  if (!digest.finish(expected) ||
      CRYPTO_memcmp(expected.octets.data(), fields->mac.data(), fields->mac.size()) != 0) {
    exchange.error_ = tsig_error::kBadSig;  // §5.2.2
    return exchange;
  }
  exchange.mac_.size = fields->mac.size();
  std::copy(fields->mac.begin(), fields->mac.end(), exchange.mac_.octets.begin());

  const std::uint64_t difference =
      now_s > fields->time_signed ? now_s - fields->time_signed : fields->time_signed - now_s;
  if (difference > fields->fudge) {
    exchange.error_ = tsig_error::kBadTime;  // §5.2.3
  } else if (fields->mac.size() < exchange.key_->mac_size()) {
    exchange.error_ = tsig_error::kBadTrunc;  // §5.2.4: only whole MACs are accepted here.
  }
  return exchange;
}

/// RFC 8945 §5.3.2: not where it would tell a stranger what a key makes of a message.
bool TsigExchange::is_signed() const noexcept {
  return error_ != tsig_error::kBadKey && error_ != tsig_error::kBadSig;
}

std::size_t TsigExchange::record_size() const noexcept {
  const std::size_t mac_size = is_signed() ? key_->mac_size() : 0;
  const std::size_t other_size = error_ == tsig_error::kBadTime ? kTimeSize : 0;
  return key_name_.size + kFixedRecord + algorithm_name_.size + kFixedRdata + mac_size + other_size;
}

std::size_t TsigExchange::sign(std::span<std::uint8_t> out, std::size_t size) noexcept {
  Record record{key_name_.view(), algorithm_name_.view(), now_s_, kFudge, error_, {}};
  std::array<std::uint8_t, kTimeSize> server_time;
  if (error_ == tsig_error::kBadTime) {
    // §5.2.3: in the client's time, so that it can verify this, with the server's as other data.
    record.time_signed = time_signed_;
    record.fudge = fudge_;
    store_u48(server_time.data(), now_s_);
    record.other = server_time;
  }
  if (!is_signed()) return record.append(out, size, {});

  TsigDigest digest(*key_);
  digest.add_mac(mac_.view());  // §4.3.1: the request's.
  digest.add(out.first(size));
  digest.add_variables(record);
  if (!digest.finish(mac_)) return 0;
  return record.append(out, size, mac_.view());
}

tl::expected<std::vector<std::uint8_t>, TsigSecretError> parse_tsig_secret(std::string_view text) {
  // RFC 2104 §3 asks for as many octets as the hash has; 16 are what no one can guess.
  constexpr std::size_t kShortest = 16;
  constexpr std::size_t kLongest = 1024;
  constexpr std::string_view kRemedy = "make one with 'openssl rand -base64 32'";
  const auto fail = [&](std::size_t line, const std::string& what) {
    return tl::unexpected(TsigSecretError{line, what + "; " + std::string(kRemedy)});
  };

  std::string digits;
  std::size_t padding = 0;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find('#'));
    for (const char c : line) {
      if (c == ' ' || c == '\t' || c == '\r') continue;
      const bool is_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                            (c >= '0' && c <= '9') || c == '+' || c == '/';
      if (c == '=') {
        ++padding;
      } else if (!is_digit || padding > 0) {
        return fail(number, "is no secret in base64 alone");
      }
      digits += c;
    }
  }
  if (digits.empty()) return fail(0, "holds no secret");
  if (digits.size() % 4 != 0 || padding > 2) return fail(0, "holds base64 that is not whole");

  std::vector<std::uint8_t> secret(digits.size() / 4 * 3);
  EVP_DecodeBlock(secret.data(), reinterpret_cast<const unsigned char*>(digits.data()),
                  static_cast<int>(digits.size()));
  secret.resize(secret.size() - padding);
  OPENSSL_cleanse(digits.data(), digits.size());
  if (secret.size() < kShortest || secret.size() > kLongest) {
    return fail(0,
                "holds a secret of " + std::to_string(secret.size()) + " octets, not 16 to 1024");
  }
  return secret;
}

}  // namespace gslb::dns
