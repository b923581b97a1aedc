#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/ip_address.h"
#include "dns/name.h"

namespace gslb::zones {

struct MasterFile;

/// One authoritative name server of a zone. `addresses` is served as glue where the name lies
/// inside the zone, and is empty otherwise.
struct NameServerSpec {
  dns::Name name;
  std::vector<base::IpAddress> addresses;

  bool operator==(const NameServerSpec&) const = default;
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
};

}  // namespace gslb::zones
