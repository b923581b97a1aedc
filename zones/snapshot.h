#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/rendered.h"
#include "routing/compile.h"
#include "zones/name_table.h"
#include "zones/zone.h"

namespace gslb::zones {

/// A profile in one state of health: the decision tree for each address family, and the rendered
/// answer for each outcome of the tree. Immutable once made.
struct CompiledProfile {
  struct Answers {
    const dns::Rendered& choose(routing::Rng& rng) const noexcept {
      return rendered[tree.walk(rng)];
    }

    routing::DecisionTree tree;
    std::vector<dns::Rendered> rendered;  ///< Parallel to tree.outcomes().
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

/// How the server names itself: the NSID option (RFC 5001), ready for an OPT record, and the answer
/// to TXT CH id.server. (RFC 4892). Immutable once made.
struct Identity {
  std::vector<std::uint8_t> nsid_option;
  dns::Rendered chaos_txt;
};

/// Everything that answers depend on, at one moment. Immutable; snapshots share the parts that did
/// not change between them.
struct Snapshot {
  std::shared_ptr<const ZoneSet> zones;
  std::vector<std::shared_ptr<const CompiledProfile>> profiles;  ///< By ProfileId.
  std::shared_ptr<const Identity> identity;
};

/// Compiles and renders a profile for the given health. `zone` is the zone that holds its name; for
/// the rest see routing::compile.
std::shared_ptr<const CompiledProfile> make_compiled_profile(
    const routing::ProfileSpec& profile, std::span<const routing::EndpointSpec> endpoints,
    std::span<const routing::EndpointState> states, const ZoneSpec& zone, std::uint32_t serial);

/// `identity` has 1 … 255 octets.
std::shared_ptr<const Identity> make_identity(const std::string& identity);

}  // namespace gslb::zones
