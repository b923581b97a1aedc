#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "zones/canonical.h"
#include "zones/zone_data.h"

namespace gslb::zones {

/// The NSEC records of a zone (RFC 4034 §4, RFC 4035 §2.3), which prove what does not exist. They
/// name every authoritative name and every delegation in canonical order; empty non-terminals and
/// what lies below a delegation are not among them. Immutable, borrows the ZoneData.
class NsecChain {
 public:
  using Link = std::uint32_t;  ///< A position in the chain.

  explicit NsecChain(const ZoneData& data);

  std::size_t size() const { return nodes_.size(); }
  const NodeData& node(Link link) const { return data_.nodes()[nodes_[link]]; }
  /// The link of a name that has one.
  std::optional<Link> link_at(const dns::Name& name) const;
  /// The link whose record covers a name in the zone that has none of its own.
  Link covering(const dns::Name& name) const;

  /// The NSEC record. A profile counts with every address family that its endpoints have, whatever
  /// their health: resolvers that conclude from the record (RFC 8198) must not take an answer for
  /// impossible that will be given in a minute. `denied` is the type that is denied at the moment.
  RRsetData record(Link link, std::optional<std::uint16_t> denied = std::nullopt) const;

  const CanonicalIndex& index() const { return index_; }

 private:
  const ZoneData& data_;
  std::vector<ZoneData::NodeIndex> nodes_;
  CanonicalIndex index_;
};

}  // namespace gslb::zones
