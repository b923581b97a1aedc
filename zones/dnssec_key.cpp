#include "zones/dnssec_key.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <utility>

namespace gslb::zones {
namespace {

using Octets = std::vector<std::uint8_t>;

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using BigNumber = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, Deleter<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Deleter<EC_POINT_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

/// Of a private key, of a coordinate, and of each half of a signature, in both algorithms.
constexpr std::size_t kHalf = 32;
constexpr std::uint8_t kProtocol = 3;  // RFC 4034 §2.1.2

/// A key pair as OpenSSL has it, and the public half as DNSKEY has it.
struct Pair {
  EVP_PKEY* key = nullptr;  ///< Owned; null: the private half is unusable.
  Octets public_key;
};

Pair p256_pair(std::span<const std::uint8_t> scalar) {
  const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const BigNumber secret(
      BN_bin2bn(scalar.data(), static_cast<int>(std::min(scalar.size(), kHalf)), nullptr));
  if (!group || !secret || BN_is_zero(secret.get()) ||
      BN_cmp(secret.get(), EC_GROUP_get0_order(group.get())) >= 0) {
    return {};
  }
  BN_set_flags(secret.get(), BN_FLG_CONSTTIME);
  const Point point(EC_POINT_new(group.get()));
  std::array<std::uint8_t, 1 + 2 * kHalf> encoded{};  // 0x04, x, y (SEC 1 §2.3.3)
  if (!point ||
      EC_POINT_mul(group.get(), point.get(), secret.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                         encoded.size(), nullptr) != encoded.size()) {
    return {};
  }
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                       encoded.size()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get()) != 1) {
    return {};
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  Pair pair{nullptr, Octets(encoded.begin() + 1, encoded.end())};
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &pair.key, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return {};
  }
  return pair;
}

Pair ed25519_pair(std::span<const std::uint8_t> seed) {
  Pair pair{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
            Octets(kHalf)};
  std::size_t size = pair.public_key.size();
  if (pair.key != nullptr &&
      EVP_PKEY_get_raw_public_key(pair.key, pair.public_key.data(), &size) != 1) {
    EVP_PKEY_free(pair.key);
    pair.key = nullptr;
  }
  return pair;
}

/// RFC 6605 §4: r and s at full length, instead of OpenSSL's DER.
Octets to_rrsig_form(const Octets& der) {
  const unsigned char* at = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Octets out(2 * kHalf);
  if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), kHalf) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + kHalf, kHalf) < 0) {
    return {};
  }
  return out;
}

bool has_come(const std::optional<DnssecKey::Time>& time, DnssecKey::Time now) noexcept {
  return time && *time <= now;
}

}  // namespace

std::string_view to_string(KeyAlgorithm algorithm) noexcept {
  return algorithm == KeyAlgorithm::kEd25519 ? "ED25519" : "ECDSAP256SHA256";
}

DnssecKey::DnssecKey(dns::Name zone, std::uint16_t flags, KeyAlgorithm algorithm, Handle handle,
                     std::vector<std::uint8_t> dnskey, const KeyTiming& timing)
    : zone_(std::move(zone)),
      flags_(flags),
      algorithm_(algorithm),
      handle_(std::move(handle)),
      dnskey_(std::move(dnskey)),
      tag_(key_tag(dnskey_)),
      timing_(timing) {}

tl::expected<std::shared_ptr<const DnssecKey>, std::string> DnssecKey::make(
    dns::Name zone, std::uint16_t flags, KeyAlgorithm algorithm,
    std::span<const std::uint8_t> private_key, const KeyTiming& timing) {
  const bool is_ed25519 = algorithm == KeyAlgorithm::kEd25519;
  const bool has_size = is_ed25519 ? private_key.size() == kHalf
                                   : !private_key.empty() && private_key.size() <= kHalf;
  if (!has_size) {
    return tl::make_unexpected(fmt::format("the private key has {} octets, and one of {} has {}",
                                           private_key.size(), to_string(algorithm), kHalf));
  }
  const Pair pair = is_ed25519 ? ed25519_pair(private_key) : p256_pair(private_key);
  Handle handle(pair.key, EVP_PKEY_free);
  if (!handle) {
    ERR_clear_error();
    return tl::make_unexpected(
        fmt::format("the private key is not one of {}", to_string(algorithm)));
  }
  Octets dnskey{static_cast<std::uint8_t>(flags >> 8U), static_cast<std::uint8_t>(flags), kProtocol,
                static_cast<std::uint8_t>(algorithm)};
  dnskey.insert(dnskey.end(), pair.public_key.begin(), pair.public_key.end());
  return std::shared_ptr<const DnssecKey>(new DnssecKey(
      std::move(zone), flags, algorithm, std::move(handle), std::move(dnskey), timing));
}

std::shared_ptr<const DnssecKey> DnssecKey::with_timing(const KeyTiming& timing) const {
  return std::shared_ptr<const DnssecKey>(
      new DnssecKey(zone_, flags_, algorithm_, handle_, dnskey_, timing));
}

bool DnssecKey::is_published(Time now) const noexcept {
  return (has_come(timing_.publish, now) || has_come(timing_.activate, now)) &&
         !has_come(timing_.remove, now);
}

bool DnssecKey::is_active(Time now) const noexcept {
  return has_come(timing_.activate, now) && !has_come(timing_.inactive, now) &&
         !has_come(timing_.remove, now);
}

bool DnssecKey::is_sync_published(Time now) const noexcept {
  return has_come(timing_.sync_publish, now) && !has_come(timing_.sync_remove, now) &&
         is_published(now);
}

std::optional<DnssecKey::Time> DnssecKey::next_change(Time now) const noexcept {
  std::optional<Time> next;
  for (const auto& time : {timing_.publish, timing_.activate, timing_.inactive, timing_.remove,
                           timing_.sync_publish, timing_.sync_remove}) {
    if (time && *time > now && (!next || *time < *next)) next = time;
  }
  return next;
}

std::vector<std::uint8_t> DnssecKey::sign(std::span<const std::uint8_t> data) const {
  const bool is_ed25519 = algorithm_ == KeyAlgorithm::kEd25519;
  const DigestContext context(EVP_MD_CTX_new());
  const EVP_MD* hash = is_ed25519 ? nullptr : EVP_sha256();
  std::size_t size = 0;
  Octets signature;
  if (context && EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, handle_.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) == 1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1) {
      signature.resize(size);
      if (!is_ed25519) signature = to_rrsig_form(signature);
    } else {
      signature.clear();
    }
  }
  if (signature.empty()) ERR_clear_error();
  return signature;
}

std::string DnssecKey::file_name() const {
  return key_file_name(zone_, static_cast<std::uint8_t>(algorithm_), tag_);
}

std::string key_file_name(const dns::Name& zone, std::uint8_t algorithm, std::uint16_t tag) {
  // As BIND's dns_name_tofilenametext(): lower case, and what is no letter, digit, '-' or '_' as
  // %XX.
  std::string text = zone.is_root() ? "K." : "K";
  const dns::Name lower = zone.lower();
  const std::span<const std::uint8_t> wire = lower.wire();
  for (std::size_t at = 0; wire[at] != 0; at += 1U + wire[at]) {
    for (const std::uint8_t octet : wire.subspan(at + 1, wire[at])) {
      const char c = static_cast<char>(octet);
      const bool is_plain =
          (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      text += is_plain ? std::string(1, c) : fmt::format("%{:02X}", octet);
    }
    text += '.';
  }
  return fmt::format("{}+{:03}+{:05}", text, algorithm, tag);
}

std::vector<std::uint8_t> make_private_key(KeyAlgorithm algorithm) {
  Octets out(kHalf);
  if (algorithm == KeyAlgorithm::kEd25519) {
    const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    std::size_t size = out.size();
    if (key && EVP_PKEY_get_raw_private_key(key.get(), out.data(), &size) == 1) return out;
  } else {
    const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
    BIGNUM* number = nullptr;
    if (key && EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1) {
      const BigNumber secret(number);
      if (BN_bn2binpad(secret.get(), out.data(), kHalf) == kHalf) return out;
    }
  }
  ERR_clear_error();
  return {};
}

std::uint16_t key_tag(std::span<const std::uint8_t> dnskey) noexcept {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < dnskey.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{dnskey[i]} << 8U : dnskey[i];
  }
  sum += sum >> 16U;
  return static_cast<std::uint16_t>(sum);
}

std::vector<std::uint8_t> ds_rdata(const DnssecKey& key, DsDigest digest) {
  // RFC 4034 §5.1.4: over the owner in canonical form and the RDATA of the DNSKEY.
  const dns::Name owner = key.zone().lower();
  Octets data(owner.wire().begin(), owner.wire().end());
  data.insert(data.end(), key.dnskey().begin(), key.dnskey().end());

  std::array<std::uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  const EVP_MD* kind = digest == DsDigest::kSha384 ? EVP_sha384() : EVP_sha256();
  if (EVP_Digest(data.data(), data.size(), hash.data(), &size, kind, nullptr) != 1) {
    ERR_clear_error();
    return {};
  }
  Octets out{static_cast<std::uint8_t>(key.tag() >> 8U), static_cast<std::uint8_t>(key.tag()),
             static_cast<std::uint8_t>(key.algorithm()), static_cast<std::uint8_t>(digest)};
  out.insert(out.end(), hash.begin(), hash.begin() + size);
  return out;
}

}  // namespace gslb::zones
