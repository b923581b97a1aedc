#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "dns/name.h"
#include "zones/dnssec_key.h"
#include "zones/signature_cache.h"
#include "zones/signing_keys.h"
#include "zones/spec.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// When zones are signed, and where signatures are kept.
struct SigningTime {
  std::shared_ptr<SignatureCache> cache;
  std::chrono::sys_seconds now;
};

/// Signs the RRsets of one zone (RFC 4034 §3, RFC 4035 §2.2). Immutable but for the cache, so any
/// number of threads may sign at a time.
///
/// A signature holds from an hour ago, for resolvers whose clocks are slow, until the configured
/// validity ends, less up to a fifth that differs from RRset to RRset: so they do not all come due
/// at once. It is made anew when less than a quarter of the validity is left.
class Signer {
 public:
  /// `time.cache` must be set.
  Signer(const dns::Name& apex, SigningKeys keys, std::chrono::seconds validity, SigningTime time);

  /// The RDATA of the RRSIG records for an RRset, one for each key that signs its type. `owner` may
  /// be a wildcard, whose signatures hold for every name that it covers.
  std::vector<Rdata> sign(const dns::Name& owner, std::uint16_t type, const RRsetData& rrset) const;

 private:
  Rdata sign_with(const DnssecKey& key, const dns::Name& owner, std::uint16_t type,
                  std::chrono::seconds original_ttl, const Rdata& canonical) const;

  dns::Name apex_;
  SigningKeys keys_;
  std::chrono::seconds validity_;
  SigningTime time_;
};

}  // namespace gslb::zones
