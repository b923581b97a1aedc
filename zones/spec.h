#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "base/address_prefix.h"
#include "base/ip_address.h"
#include "dns/name.h"

namespace gslb::zones {

class DnssecKey;
struct MasterFile;

/// One authoritative name server of a zone. `addresses` is served as glue where the name lies
/// inside the zone, and is empty otherwise.
struct NameServerSpec {
  dns::Name name;
  std::vector<base::IpAddress> addresses;

  bool operator==(const NameServerSpec&) const = default;
};

/// `[zone."NAME"] dnssec`: the zone is signed while it is served.
struct SigningSpec {
  /// All keys of the zone, in use or not. When the configuration was read, one of each published
  /// algorithm was active; zones/signing_keys.h tells what each does when.
  std::vector<std::shared_ptr<const DnssecKey>> keys;
  std::chrono::seconds validity = std::chrono::hours{14 * 24};  ///< Of a signature.
};

/// Who may transfer a zone (RFC 5936): clients in one of the networks that also sign with the key.
struct TransferSpec {
  std::vector<base::AddressPrefix> allow;
  dns::Name key;

  bool operator==(const TransferSpec&) const = default;
};

/// A validated `[zone."NAME"]`.
struct ZoneSpec {
  dns::Name apex;
  std::vector<NameServerSpec> nameservers;  ///< At least one; the first is the SOA's MNAME.
  dns::Name hostmaster;                     ///< The SOA's RNAME.
  std::chrono::seconds negative_ttl{60};    ///< RFC 2308: the SOA's MINIMUM, and its TTL.
  /// The static records; null without a master file. An SOA in it stands in for hostmaster and
  /// negative_ttl.
  std::shared_ptr<const MasterFile> file;
  std::optional<SigningSpec> signing;  ///< Nothing: the zone is not signed.
  /// Nothing: the zone is not transferred. Never set for a zone in which a profile's name lies.
  std::optional<TransferSpec> transfer;
};

}  // namespace gslb::zones
