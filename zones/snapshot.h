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
    /// The answer at the profile's own name.
    const Answer& choose(routing::Rng& rng) const noexcept { return rendered[tree.walk(rng)]; }
    /// The answer at a name whose CNAMEs lead to the profile.
    const Answer& choose_for_alias(std::uint32_t slot, routing::Rng& rng) const noexcept {
      return for_aliases[slot][tree.walk(rng)];
    }

    routing::DecisionTree tree;
    Rendering rendered;
    std::vector<Rendering> for_aliases;  ///< By Node::ProfileAlias::slot.
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

/// Everything that answers depend on, at one moment. Immutable; snapshots share the parts that did
/// not change between them.
struct Snapshot {
  std::shared_ptr<const ZoneSet> zones;
  std::vector<std::shared_ptr<const CompiledProfile>> profiles;  ///< By ProfileId.
  std::shared_ptr<const Identity> identity;
  std::shared_ptr<const ClientPolicy> clients;
};

/// Compiles and renders a profile for the given health. `zone` is the zone that holds its name, and
/// `id` what the zone knows it by; `now` is when it is signed, where the zone is. For the rest see
/// routing::compile.
std::shared_ptr<const CompiledProfile> make_compiled_profile(
    const routing::ProfileSpec& profile, ProfileId id,
    std::span<const routing::EndpointSpec> endpoints,
    std::span<const routing::EndpointState> states, const Zone& zone, std::chrono::sys_seconds now);

/// Texts of at most 255 octets; what is empty is not told (REFUSED).
std::shared_ptr<const Identity> make_identity(const std::string& name, const std::string& version);

}  // namespace gslb::zones
