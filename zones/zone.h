#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/rendered.h"
#include "zones/name_table.h"
#include "zones/spec.h"

namespace gslb::zones {

/// The position of a profile in the configuration and in Snapshot::profiles.
using ProfileId = std::uint32_t;

/// What exists at one owner name: static RRsets, a profile that answers A and AAAA, or neither (an
/// empty non-terminal, RFC 8499).
struct Node {
  struct RRset {
    std::uint16_t type;
    dns::Rendered answer;
  };

  const dns::Rendered* find(std::uint16_t type) const noexcept {
    for (const RRset& rrset : rrsets) {
      if (rrset.type == type) return &rrset.answer;
    }
    return nullptr;
  }

  std::vector<RRset> rrsets;
  std::optional<ProfileId> profile;
};

/// The static data of one zone, all of it rendered: SOA, NS and glue at its apex, the nodes below,
/// and the negative answers. Knows which names profiles answer, not what they answer. Immutable
/// once made, so any number of threads may read it.
class Zone {
 public:
  const dns::Name& apex() const noexcept { return apex_; }

  /// Null where the name does not exist. For the arguments see NameTable::find.
  const Node* find(std::span<const std::uint8_t> lower, std::uint64_t hash) const noexcept {
    const std::optional<std::uint32_t> index = names_.find(lower, hash);
    return index ? &nodes_[*index] : nullptr;
  }
  const Node* find(const dns::Name& name) const;

  const dns::Rendered& nodata() const noexcept { return nodata_; }      ///< RFC 2308 §2.2
  const dns::Rendered& nxdomain() const noexcept { return nxdomain_; }  ///< RFC 2308 §2.1
  const dns::Rendered& any() const noexcept { return any_; }            ///< RFC 8482 §4.2

 private:
  friend class ZoneBuilder;
  explicit Zone(dns::Name apex) : apex_(std::move(apex)) {}

  dns::Name apex_;
  NameTable names_;
  std::vector<Node> nodes_;
  dns::Rendered nodata_;
  dns::Rendered nxdomain_;
  dns::Rendered any_;
};

/// A name that a profile answers.
struct ProfileName {
  dns::Name owner;
  ProfileId profile = 0;
};

/// Makes a zone from its configuration and the profiles whose names lie in it. `serial` is the SOA
/// serial. The profile names must be at or below the apex, distinct, and not name servers' names.
std::shared_ptr<const Zone> make_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles,
                                      std::uint32_t serial);

/// Appends the SOA that makes a response negative (RFC 2308 §3). `builder` must be set up for the
/// zone's apex or for a name in the zone.
void add_negative_soa(dns::RenderedBuilder& builder, const ZoneSpec& spec, std::uint32_t serial);

}  // namespace gslb::zones
