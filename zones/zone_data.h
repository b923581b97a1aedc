#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dns/name.h"
#include "dns/wire.h"
#include "routing/spec.h"
#include "zones/name_table.h"
#include "zones/spec.h"

namespace gslb::zones {

/// The position of a profile in the configuration and in Snapshot::profiles.
using ProfileId = routing::ProfileId;

/// Data of a record in wire form, with uncompressed names.
using Rdata = std::vector<std::uint8_t>;

inline void append(Rdata& rdata, std::span<const std::uint8_t> octets) {
  rdata.insert(rdata.end(), octets.begin(), octets.end());
}
inline void append_u16(Rdata& rdata, std::uint16_t value) {
  rdata.resize(rdata.size() + 2);
  dns::store_u16(rdata.data() + rdata.size() - 2, value);
}
inline void append_u32(Rdata& rdata, std::uint32_t value) {
  rdata.resize(rdata.size() + 4);
  dns::store_u32(rdata.data() + rdata.size() - 4, value);
}

/// A name that a profile answers, and the address families that its endpoints have.
struct ProfileName {
  dns::Name owner;
  ProfileId id = 0;
  bool has_ipv4 = true;
  bool has_ipv6 = true;
};

/// Where a record stands in a master file; nothing for what the configuration brings.
struct RecordSource {
  std::uint32_t file = 0;  ///< Into MasterFile::files.
  std::uint32_t line = 0;
};

/// An RRset before it is rendered, each RDATA once.
struct RRsetData {
  std::chrono::seconds ttl{0};
  std::vector<Rdata> rdata;
  std::optional<RecordSource> source;  ///< Of its first record.
  /// The TTL that is signed, where a lower one is served (RFC 4034 §3.1.4).
  std::optional<std::chrono::seconds> original_ttl;
};

/// The name that an RDATA consists of, as with NS, CNAME and DNAME.
inline dns::Name name_in(const Rdata& rdata) { return dns::Name::from_wire(rdata); }

/// "*" and the name (RFC 4592 §2.1.1), which must leave room for it.
dns::Name wildcard_below(const dns::Name& name);

/// What an SOA says about negative answers (RFC 2308 §5): the lesser of its TTL and its MINIMUM.
std::chrono::seconds negative_ttl(const RRsetData& soa);

/// What exists at a name. Without RRsets and profile it is an empty non-terminal (RFC 8499).
struct NodeData {
  const RRsetData* find(std::uint16_t type) const {
    const auto found = rrsets.find(type);
    return found == rrsets.end() ? nullptr : &found->second;
  }
  /// Where people find the name: its first record in a master file.
  std::optional<RecordSource> source() const;

  dns::Name owner;
  std::map<std::uint16_t, RRsetData> rrsets;
  std::optional<ProfileName> profile;
};

/// A zone as a tree of names: configuration, master file and profile names brought together, not
/// yet checked and not rendered. Serves the check and the rendering; not the query path. Not
/// thread-safe while it is made.
class ZoneData {
 public:
  using NodeIndex = std::uint32_t;

  /// What the algorithm of RFC 1034 §4.3.2 finds for a name in the zone.
  struct Lookup {
    enum class Kind : std::uint8_t {
      kExact,      ///< `node` has the name.
      kWildcard,   ///< `node` is the wildcard that covers it (RFC 4592).
      kDelegated,  ///< `node` is the zone cut at or above it.
      kDname,      ///< `node` has the DNAME above it (RFC 6672).
      kMissing,    ///< It does not exist.
      kOutside,    ///< It does not lie in the zone.
    };

    Kind kind = Kind::kMissing;
    NodeIndex node = 0;
  };

  /// `serial` is the SOA's where the master file brings none. Records outside the zone are left
  /// out.
  ZoneData(const ZoneSpec& spec, std::span<const ProfileName> profiles, std::uint32_t serial);

  const dns::Name& apex() const { return nodes_.front().owner; }
  const std::vector<NodeData>& nodes() const { return nodes_; }
  /// Every name with its index into nodes().
  const NameTable& names() const { return names_; }
  std::optional<NodeIndex> find(const dns::Name& name) const { return names_.find(name); }
  Lookup lookup(const dns::Name& name) const;
  /// The longest existing ancestor of a name in the zone that does not exist (RFC 4592 §3.3.1).
  dns::Name closest_encloser(const dns::Name& name) const;
  /// The zone cut at or above a node, if it lies at or below one.
  std::optional<NodeIndex> cut_of(const dns::Name& name) const;

  /// Null before the constructor has added one.
  const RRsetData* apex_soa() const;
  std::chrono::seconds negative_ttl() const { return zones::negative_ttl(*apex_soa()); }

  /// Adds an RRset that the configuration brings to the apex.
  void add_to_apex(std::uint16_t type, RRsetData rrset) {
    nodes_.front().rrsets.insert_or_assign(type, std::move(rrset));
  }

  bool is_cut(NodeIndex node) const {
    return node != 0 && nodes_[node].find(dns::type::kNs) != nullptr;
  }

 private:
  NodeIndex node_at(const dns::Name& name);
  void add(const dns::Name& owner, std::uint16_t type, std::chrono::seconds ttl, Rdata rdata,
           std::optional<RecordSource> source);
  void add_name_servers(const ZoneSpec& spec);
  void add_soa(const ZoneSpec& spec, std::uint32_t serial);

  NameTable names_;
  std::vector<NodeData> nodes_;  ///< The apex first.
};

}  // namespace gslb::zones
