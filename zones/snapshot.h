#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address_prefix.h"
#include "dns/rendered.h"
#include "routing/compile.h"
#include "routing/latency_map.h"
#include "routing/location.h"
#include "zones/name_table.h"
#include "zones/zone.h"

namespace gslb::dns {
class CookieKeys;
class RateLimitPolicy;
class TsigKeys;
}  // namespace gslb::dns

namespace gslb::zones {

/// A profile in one state of health: the decision tree for each address family, and the rendered
/// answer for each outcome of the tree. Immutable once made.
struct CompiledProfile {
  /// One response for each of tree.outcomes().
  using Rendering = std::vector<Answer>;

  struct Answers {
    routing::DecisionTree tree;
    Rendering rendered;  ///< At the profile's own name.
    std::vector<Rendering>
        for_aliases;  ///< At names whose CNAMEs lead to it, by Node::Alias::slot.
  };

  Answers a;
  Answers aaaa;
};

/// All zones, found by the names of their apexes. Immutable once made.
class ZoneSet {
 public:
  ZoneSet() = default;
  /// The apexes must be distinct.
  explicit ZoneSet(std::vector<std::shared_ptr<const Zone>> zones);

  /// Null where no zone has exactly this apex. For the arguments see NameTable::find.
  const Zone* find(std::span<const std::uint8_t> lower, std::uint64_t hash) const noexcept {
    const std::optional<std::uint32_t> index = apexes_.find(lower, hash);
    return index ? zones_[*index].get() : nullptr;
  }

 private:
  NameTable apexes_;
  std::vector<std::shared_ptr<const Zone>> zones_;
};

/// What the server tells of itself. Immutable once made.
struct Identity {
  std::vector<std::uint8_t> nsid_option;  ///< RFC 5001, ready for an OPT record; empty: not told.
  dns::Rendered name_txt;                 ///< The answer to TXT CH id.server. (RFC 4892).
  dns::Rendered version_txt;              ///< The answer to TXT CH version.server.
};

/// How the server treats its clients, apart from what it answers. Immutable once made.
struct ClientPolicy {
  std::shared_ptr<const dns::CookieKeys> cookie_keys;  ///< Null: cookies are ignored.
  std::shared_ptr<const dns::TsigKeys> tsig_keys;      ///< Null: TSIG is ignored.
  bool require_cookies = false;  ///< A client that knows cookies must show a valid one over UDP.
  std::shared_ptr<const dns::RateLimitPolicy> rate_limit;  ///< Null: no limit.
  /// Sources of TCP connections that begin with a PROXY header.
  std::vector<base::AddressPrefix> proxy_from;
};

/// Maps that know nothing.
std::shared_ptr<const routing::LocationMap> no_locations();
std::shared_ptr<const routing::LatencyMap> no_latency();

/// Everything that answers depend on, at one moment. Immutable; snapshots share the parts that did
/// not change between them.
struct Snapshot {
  std::shared_ptr<const ZoneSet> zones;
  /// By ProfileId; null for one that has no name of its own.
  std::vector<std::shared_ptr<const CompiledProfile>> profiles;
  /// The places that `profiles` are compiled for; never null.
  std::shared_ptr<const routing::LocationMap> locations = no_locations();
  std::shared_ptr<const routing::LatencyMap> latency = no_latency();  ///< Never null.
  std::shared_ptr<const Identity> identity;
  std::shared_ptr<const ClientPolicy> clients;
};

/// Compiles and renders a profile, which has a name. `zone` is the zone that holds it; `now` is
/// when it is signed, where the zone is. For the rest see routing::compile.
std::shared_ptr<const CompiledProfile> make_compiled_profile(ProfileId id,
                                                             const routing::RoutingState& state,
                                                             const Zone& zone,
                                                             std::chrono::sys_seconds now);

/// Texts of at most 255 octets; what is empty is not told (REFUSED).
std::shared_ptr<const Identity> make_identity(const std::string& name, const std::string& version);

}  // namespace gslb::zones
