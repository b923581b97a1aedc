#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/endpoint_status.h"

// The statuses of profiles and of their entries, for people, as Azure Traffic Manager defines them
// (https://learn.microsoft.com/azure/traffic-manager/traffic-manager-monitoring#endpoint-and-profile-status,
// https://learn.microsoft.com/azure/traffic-manager/traffic-manager-nested-profiles#faq).
// What is answered depends on verdicts (judge.h), which also know the type of the query.
namespace gslb::routing {

enum class ProfileStatus : std::uint8_t {
  kOnline,             ///< An entry is Online or Unmonitored, and none is Degraded.
  kDegraded,           ///< At least one entry is Degraded.
  kCheckingEndpoints,  ///< There are no verdicts yet.
  kDisabled,           ///< Switched off by the administrator.
  kInactive,           ///< All entries are Disabled or Stopped.
};

/// "Online", "CheckingEndpoints", …
std::string_view to_string(ProfileStatus status) noexcept;

/// The status of an entry whose endpoint, or nested profile (nested_status), has the status
/// `target`.
base::EndpointStatus entry_status(bool profile_enabled, bool entry_enabled,
                                  base::EndpointStatus target) noexcept;

/// The status of a profile from those of its entries.
ProfileStatus profile_status(bool enabled, std::span<const base::EndpointStatus> entries) noexcept;

/// The status that a nested profile brings to the entry it stands in.
base::EndpointStatus nested_status(ProfileStatus child,
                                   std::span<const base::EndpointStatus> child_entries,
                                   unsigned min_children) noexcept;

}  // namespace gslb::routing
