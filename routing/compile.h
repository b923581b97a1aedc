#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/endpoint_status.h"
#include "routing/decision_tree.h"
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
  std::optional<std::chrono::milliseconds> degraded_in;
  /// Which share of its capacity is in use, from 0 on; nothing where that is not known.
  std::optional<double> load;

  bool operator==(const EndpointState&) const = default;
};

/// Why an endpoint of a profile is, or is not, among those that may be answered.
enum class Verdict : std::uint8_t {
  kAvailable,
  kAlwaysServed,      ///< Counted in whatever its health.
  kEntryDisabled,     ///< `enabled = false` in the profile.
  kEndpointDisabled,  ///< `enabled = false` in the endpoint.
  kNoAddress,         ///< It has no address of the family.
  kNoWeight,          ///< Its weight is 0.
  kUnhealthy,         ///< Its status takes no clients.
};

constexpr bool is_in(Verdict verdict) noexcept {
  return verdict == Verdict::kAvailable || verdict == Verdict::kAlwaysServed;
}

/// One verdict for each entry of profile.endpoints, in their order. `states` runs parallel to
/// `endpoints`.
std::vector<Verdict> judge(const ProfileSpec& profile, std::span<const EndpointSpec> endpoints,
                           std::span<const EndpointState> states, Family family);

/// The decision for one profile, family and state of health.
DecisionTree compile(const ProfileSpec& profile, std::span<const EndpointSpec> endpoints,
                     std::span<const EndpointState> states, Family family);

}  // namespace gslb::routing
