#include "routing/status.h"

#include <algorithm>
#include <cstddef>

namespace gslb::routing {
namespace {

using base::EndpointStatus;
using Statuses = std::span<const EndpointStatus>;

/// What is never probed takes clients as if it were Online, so it counts as that.
bool is_online(EndpointStatus status) noexcept {
  return status == EndpointStatus::kOnline || status == EndpointStatus::kUnmonitored;
}

bool contains(Statuses statuses, EndpointStatus status) noexcept {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

}  // namespace

std::string_view to_string(ProfileStatus status) noexcept {
  switch (status) {
    case ProfileStatus::kOnline:
      return "Online";
    case ProfileStatus::kDegraded:
      return "Degraded";
    case ProfileStatus::kCheckingEndpoints:
      return "CheckingEndpoints";
    case ProfileStatus::kDisabled:
      return "Disabled";
    case ProfileStatus::kInactive:
      return "Inactive";
  }
  return "Unknown";
}

EndpointStatus entry_status(bool profile_enabled, bool entry_enabled,
                            EndpointStatus target) noexcept {
  if (!entry_enabled || target == EndpointStatus::kDisabled) return EndpointStatus::kDisabled;
  return profile_enabled ? target : EndpointStatus::kInactive;
}

ProfileStatus profile_status(bool enabled, Statuses entries) noexcept {
  if (!enabled) return ProfileStatus::kDisabled;
  if (contains(entries, EndpointStatus::kDegraded)) return ProfileStatus::kDegraded;
  if (std::any_of(entries.begin(), entries.end(), is_online)) return ProfileStatus::kOnline;
  if (contains(entries, EndpointStatus::kCheckingEndpoint)) {
    return ProfileStatus::kCheckingEndpoints;
  }
  return ProfileStatus::kInactive;
}

EndpointStatus nested_status(ProfileStatus child, Statuses child_entries,
                             unsigned min_children) noexcept {
  if (child == ProfileStatus::kDisabled || child == ProfileStatus::kInactive) {
    return EndpointStatus::kStopped;
  }
  const auto online = std::count_if(child_entries.begin(), child_entries.end(), is_online);
  const auto checking =
      std::count(child_entries.begin(), child_entries.end(), EndpointStatus::kCheckingEndpoint);
  if (online >= static_cast<std::ptrdiff_t>(min_children)) return EndpointStatus::kOnline;
  if (online + checking >= static_cast<std::ptrdiff_t>(min_children)) {
    return EndpointStatus::kCheckingEndpoint;
  }
  return EndpointStatus::kDegraded;
}

}  // namespace gslb::routing
