#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "app/config_profile.h"
#include "app/config_text.h"
#include "routing/nested_ranges.h"

namespace gslb::app::loading {
namespace {

using routing::Method;
using routing::ProfileEndpointSpec;
using routing::ProfileId;
using routing::ProfileSpec;

/// An answer is compiled for every way that leads from a profile to an endpoint.
constexpr std::size_t kMaxWays = 10'000;

class ProfileChecks {
 public:
  ProfileChecks(const std::vector<ProfileDraft>& drafted, const Draft& draft, Report& report)
      : drafted_(drafted), draft_(draft), profiles_(draft.config.profiles), report_(report) {}

  void run() {
    check_nesting();
    for (ProfileId id = 0; id < profiles_.size(); ++id) {
      check_ranges(id);
      check_regions(id);
      for (std::size_t entry = 0; entry < profiles_[id].endpoints.size(); ++entry) {
        check_entry(id, entry);
      }
    }
  }

 private:
  const ProfileEndpointSpec& spec(ProfileId id, std::size_t entry) const {
    return profiles_[id].endpoints[entry];
  }
  TableReader reader(ProfileId id, std::size_t entry) const {
    const Value& value = drafted_[id].entries[entry];
    return {*value.node->as_table(), value.path, report_};
  }
  const routing::EndpointSpec& endpoint(const ProfileEndpointSpec& entry) const {
    return draft_.config.endpoints[entry.endpoint].routing;
  }

  /// Loops, depth, and how much a profile unfolds to. Where one is wrong, nothing may be computed
  /// through nested profiles: the other checks that do are left out.
  void check_nesting() {
    for (ProfileId id = 0; id < profiles_.size() && nesting_is_sound_; ++id) {
      std::vector<ProfileId> path{id};
      std::size_t ways = 0;
      descend(path, ways);
    }
  }

  void descend(std::vector<ProfileId>& path, std::size_t& ways) {
    const ProfileId id = path.back();
    for (std::size_t entry = 0; entry < profiles_[id].endpoints.size(); ++entry) {
      if (!nesting_is_sound_) return;
      const auto& nested = spec(id, entry).nested;
      if (!nested) {
        if (++ways > kMaxWays) {
          fail_nesting(
              path.front(), 0,
              "reaches endpoints in more than " + std::to_string(kMaxWays) + " ways; nest less");
        }
        continue;
      }
      const bool is_loop = std::find(path.begin(), path.end(), *nested) != path.end();
      path.push_back(*nested);
      if (is_loop) {
        fail_nesting(id, entry,
                     "makes a loop: " + path_text(path) + "; a profile cannot lie within itself");
      } else if (path.size() > routing::kMaxNesting) {
        fail_nesting(id, entry,
                     "lies more than " + std::to_string(routing::kMaxNesting) +
                         " levels deep: " + path_text(path) + "; nest less");
      } else {
        descend(path, ways);
      }
      path.pop_back();
    }
  }

  void fail_nesting(ProfileId id, std::size_t entry, const std::string& message) {
    nesting_is_sound_ = false;
    reader(id, entry).error(spec(id, entry).nested ? "profile" : "endpoint", message);
  }

  std::string path_text(const std::vector<ProfileId>& path) const {
    std::string text;
    for (const ProfileId id : path) text += (text.empty() ? "" : " -> ") + profiles_[id].name;
    return text;
  }

  void check_ranges(ProfileId id) const {
    std::vector<routing::OwnedRange> ranges;
    for (std::size_t entry = 0; entry < profiles_[id].endpoints.size(); ++entry) {
      for (const base::AddressRange& range : spec(id, entry).subnets) {
        ranges.push_back({range, entry});
      }
    }
    const auto conflict = routing::find_conflict(std::move(ranges));
    if (!conflict) return;
    auto [first, second] = *conflict;
    if (second.owner < first.owner) std::swap(first, second);
    const std::string others = "those of endpoints[" + std::to_string(first.owner) + "]";
    const std::string text = quote(base::to_string(second.range));
    reader(id, second.owner)
        .error("subnets", first.range == second.range
                              ? text + " is among " + others + " too; remove one"
                              : text + " overlaps a part of " + others + ", " +
                                    quote(base::to_string(first.range)) +
                                    "; split one of them, so that either holds all of the other");
  }

  void check_regions(ProfileId id) const {
    std::map<std::string, std::size_t> owners;
    for (std::size_t entry = 0; entry < profiles_[id].endpoints.size(); ++entry) {
      for (const std::string& region : spec(id, entry).regions) {
        const auto [owner, is_new] = owners.emplace(region, entry);
        if (is_new || owner->second == entry) continue;
        reader(id, entry).error("regions", quote(region) + " belongs to endpoints[" +
                                               std::to_string(owner->second) +
                                               "] already; a region belongs to one endpoint");
      }
    }
  }

  void check_entry(ProfileId id, std::size_t entry) {
    const ProfileEndpointSpec& checked = spec(id, entry);
    const Method method = profiles_[id].method;
    if (checked.nested) {
      check_children(id, entry);
      if (method == Method::kMultivalue) {
        reader(id, entry).error("profile",
                                "cannot lie in a profile of method \"multivalue\", which answers "
                                "addresses; list its endpoints, or choose another method");
      }
    } else if (const auto& target = endpoint(checked).target) {
      if (method == Method::kMultivalue) {
        reader(id, entry).error("endpoint",
                                "has a target, and method \"multivalue\" answers addresses; give "
                                "it addresses, or choose another method");
      }
      if (profiles_[id].has_owner() && *target == profiles_[id].owner) {
        reader(id, entry).error("endpoint",
                                "has the name of this profile as its target, which "
                                "leads nowhere; choose another target");
      }
    }
    if (method == Method::kPerformance) check_place(id, entry);
  }

  void check_children(ProfileId id, std::size_t entry) const {
    const ProfileEndpointSpec& checked = spec(id, entry);
    const std::size_t children = profiles_[*checked.nested].endpoints.size();
    const std::pair<const char*, unsigned> limits[] = {
        {"min_children", checked.min_children},
        {"min_children_ipv4", checked.min_children_ipv4},
        {"min_children_ipv6", checked.min_children_ipv6}};
    for (const auto& [key, wanted] : limits) {
      if (wanted > std::max<std::size_t>(children, 1)) {
        reader(id, entry).error(key, "is more than the " + std::to_string(children) +
                                         " endpoints of profile " +
                                         profiles_[*checked.nested].name + "; lower it");
      }
    }
  }

  /// Where method "performance" cannot tell how far an endpoint is.
  void check_place(ProfileId id, std::size_t entry) {
    const ProfileEndpointSpec& checked = spec(id, entry);
    if (!checked.nested) {
      if (!endpoint(checked).point) report_no_place(id, entry, endpoint(checked).name);
      return;
    }
    if (!nesting_is_sound_) return;
    if (const auto name = endpoint_without_place(*checked.nested)) {
      report_no_place(id, entry, *name);
    }
  }

  std::optional<std::string> endpoint_without_place(ProfileId id) const {
    for (const ProfileEndpointSpec& entry : profiles_[id].endpoints) {
      if (entry.nested) {
        if (auto name = endpoint_without_place(*entry.nested)) return name;
      } else if (!endpoint(entry).point) {
        return endpoint(entry).name;
      }
    }
    return std::nullopt;
  }

  void report_no_place(ProfileId id, std::size_t entry, const std::string& name) const {
    reader(id, entry).error(spec(id, entry).nested ? "profile" : "endpoint",
                            "method \"performance\" needs to know where " + quote(name) +
                                " is; write location or " + "coordinates in [" +
                                key_path("endpoint", name) + "]");
  }

  const std::vector<ProfileDraft>& drafted_;
  const Draft& draft_;
  const std::vector<ProfileSpec>& profiles_;
  Report& report_;
  bool nesting_is_sound_ = true;
};

}  // namespace

void check_profiles(const std::vector<ProfileDraft>& drafted, const Draft& draft, Report& report) {
  ProfileChecks(drafted, draft, report).run();
}

}  // namespace gslb::app::loading
