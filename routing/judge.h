#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/endpoint_status.h"
#include "routing/latency_map.h"
#include "routing/spec.h"

namespace gslb::routing {

/// The address family that a query type asks for: the choice is made among endpoints that have it.
enum class Family : std::uint8_t { kIpv4, kIpv6 };

/// The health of an endpoint as routing sees it: plain values, whoever found them out.
struct EndpointState {
  base::EndpointStatus ipv4 = base::EndpointStatus::kUnmonitored;
  base::EndpointStatus ipv6 = base::EndpointStatus::kUnmonitored;
  /// The earliest time from now at which a failing endpoint can become Degraded; answers with it
  /// must not be cached for longer.
  std::optional<std::chrono::milliseconds> degraded_in = std::nullopt;
  /// Which share of its capacity is in use, from 0 on; nothing where that is not known.
  std::optional<double> load = std::nullopt;
  /// The share of its weight that it has got back since it recovered, above 0.
  double ramp = 1;
  bool is_drained = false;  ///< Takes no new clients, by the operator's word.

  bool operator==(const EndpointState&) const = default;
};

/// Everything that routing decisions depend on. Borrows it all.
struct RoutingState {
  std::span<const ProfileSpec> profiles;
  std::span<const EndpointSpec> endpoints;
  std::span<const EndpointState> states;   ///< Parallel to `endpoints`.
  std::span<const LatencyColumn> columns;  ///< Parallel to `endpoints`; empty: nothing is measured.
  const LocationMap* locations = nullptr;  ///< Null: no place is known.
};

/// Why an entry of a profile is, or is not, among those that may be answered.
enum class Verdict : std::uint8_t {
  kAvailable,
  kAlwaysServed,      ///< Counted in whatever its health.
  kFull,              ///< Available, but its load has reached its capacity.
  kDrained,           ///< Available, but the operator wants no new clients there.
  kEntryDisabled,     ///< `enabled = false` in the profile.
  kEndpointDisabled,  ///< `enabled = false` in the endpoint or the nested profile.
  kNoAddress,         ///< It has no address of the family.
  kNoWeight,          ///< Its weight is 0.
  kUnhealthy,         ///< Its status takes no clients.
  kTooFewChildren,    ///< Fewer entries of the nested profile are available than it asks for.
};

constexpr bool is_in(Verdict verdict) noexcept {
  return verdict == Verdict::kAvailable || verdict == Verdict::kAlwaysServed ||
         verdict == Verdict::kFull || verdict == Verdict::kDrained;
}

/// True where only health stands against an entry: it is answered when `serve-all` decides.
constexpr bool is_down(Verdict verdict) noexcept {
  return verdict == Verdict::kUnhealthy || verdict == Verdict::kTooFewChildren;
}

/// True where an endpoint of the profile, or of one within it, has an address of the family.
bool has_family(std::span<const ProfileSpec> profiles, std::span<const EndpointSpec> endpoints,
                ProfileId id, Family family);

/// Which share of its weight an endpoint keeps: at its load, 1 up to `shed_from`, then falling
/// linearly to 0 at its capacity; of that what it has got back since it recovered.
double kept_weight(const EndpointSpec& endpoint, const EndpointState& state) noexcept;

/// Judges the entries of profiles in one state, each profile once. Not thread-safe; `state` must
/// not change meanwhile.
class Judge {
 public:
  explicit Judge(const RoutingState& state) : state_(state) {}

  /// One verdict for each entry of the profile, in their order. The reference stays valid.
  const std::vector<Verdict>& verdicts(ProfileId id, Family family);

  /// How many entries of the profile may be answered: in the family, or in any.
  std::size_t count_in(ProfileId id, Family family);
  std::size_t count_in(ProfileId id);

 private:
  Verdict judge(const ProfileEndpointSpec& entry, Family family);
  Verdict judge_endpoint(const ProfileEndpointSpec& entry, Family family) const;
  Verdict judge_nested(const ProfileEndpointSpec& entry, Family family);

  const RoutingState& state_;
  std::map<std::pair<ProfileId, Family>, std::vector<Verdict>> verdicts_;
};

}  // namespace gslb::routing
