#include "zones/signer.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "zones/canonical.h"

namespace gslb::zones {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds kInceptionSkew = std::chrono::hours{1};
/// Of the validity: how much earlier a signature may end than it could, and how much is left when
/// it is made anew.
constexpr int kJitterPart = 5;
constexpr int kRefreshPart = 4;
/// Times to refresh lie on a grid of this part of the validity, so that signatures come due in
/// portions, each of which costs one pass over the zone.
constexpr int kRefreshSteps = 50;

/// RFC 4034 §3.1.5: seconds since 1970 modulo 2³².
void append_time(Rdata& bytes, sys_seconds time) {
  append_u32(bytes, static_cast<std::uint32_t>(time.time_since_epoch().count()));
}

/// RFC 4034 §3.1.3: without the root and without a "*" in front.
std::uint8_t label_count(const dns::Name& name) {
  std::uint8_t count = 0;
  for (dns::Name at = name; !at.is_root(); at = at.parent()) ++count;
  return name.is_wildcard() ? static_cast<std::uint8_t>(count - 1) : count;
}

/// The RRset as it is signed (RFC 4034 §6.3).
Rdata canonical_rrset(const dns::Name& owner, std::uint16_t type, seconds original_ttl,
                      const std::vector<Rdata>& records) {
  std::vector<Rdata> sorted;
  sorted.reserve(records.size());
  for (const Rdata& rdata : records) sorted.push_back(canonical_rdata(type, rdata));
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());

  Rdata result;
  const dns::Name lower = owner.lower();
  for (const Rdata& rdata : sorted) {
    append(result, lower.wire());
    append_u16(result, type);
    append_u16(result, dns::klass::kIn);
    append_u32(result, static_cast<std::uint32_t>(original_ttl.count()));
    append_u16(result, static_cast<std::uint16_t>(rdata.size()));
    append(result, rdata);
  }
  return result;
}

SignatureCache::Digest digest_of(const Rdata& head, const Rdata& rrset, const DnssecKey& key) {
  Rdata bytes = head;
  append(bytes, rrset);
  append(bytes, key.dnskey());
  SignatureCache::Digest digest;
  ::SHA256(bytes.data(), bytes.size(), digest.data());
  return digest;
}

}  // namespace

Signer::Signer(const dns::Name& apex, SigningKeys keys, std::chrono::seconds validity,
               SigningTime time)
    : apex_(apex.lower()), keys_(std::move(keys)), validity_(validity), time_(std::move(time)) {
  assert(time_.cache != nullptr);
}

std::vector<Rdata> Signer::sign(const dns::Name& owner, std::uint16_t type,
                                const RRsetData& rrset) const {
  const bool is_of_keys = type == dns::type::kDnskey || type == dns::type::kCds ||
                          type == dns::type::kCdnskey;  // RFC 7344 §4.1
  const seconds original_ttl = rrset.original_ttl.value_or(rrset.ttl);
  const Rdata canonical = canonical_rrset(owner, type, original_ttl, rrset.rdata);
  std::vector<Rdata> result;
  for (const auto& key : is_of_keys ? keys_.key_signing : keys_.zone_signing) {
    result.push_back(sign_with(*key, owner, type, original_ttl, canonical));
  }
  return result;
}

Rdata Signer::sign_with(const DnssecKey& key, const dns::Name& owner, std::uint16_t type,
                        seconds original_ttl, const Rdata& canonical) const {
  Rdata head;  // Up to the times, RFC 4034 §3.1.
  append_u16(head, type);
  head.push_back(static_cast<std::uint8_t>(key.algorithm()));
  head.push_back(label_count(owner));
  append_u32(head, static_cast<std::uint32_t>(original_ttl.count()));
  const SignatureCache::Digest digest = digest_of(head, canonical, key);

  const auto with_times = [&](const Signature& signature) {
    Rdata rdata = head;
    append_time(rdata, signature.expiration);
    append_time(rdata, signature.inception);
    append_u16(rdata, key.tag());
    append(rdata, apex_.wire());
    return rdata;
  };
  std::optional<Signature> signature = time_.cache->find(digest, time_.now);
  if (!signature) {
    const seconds jitter = validity_ / kJitterPart * digest[0] / 256;
    const seconds step = std::max(validity_ / kRefreshSteps, seconds{1});
    signature = Signature{time_.now - kInceptionSkew, time_.now + validity_ - jitter, {}};
    Rdata data = with_times(*signature);
    append(data, canonical);
    signature->octets = key.sign(data);
    const seconds refresh_at =
        (signature->expiration - validity_ / kRefreshPart).time_since_epoch();
    time_.cache->put(digest, *signature, sys_seconds(refresh_at / step * step));
  }
  Rdata rdata = with_times(*signature);
  append(rdata, signature->octets);
  return rdata;
}

}  // namespace gslb::zones
