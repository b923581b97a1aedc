#pragma once

#include <cstdint>
#include <string_view>

namespace gslb::base {

/// Endpoint monitor status, with the names and meanings of Azure Traffic Manager
/// (https://learn.microsoft.com/azure/traffic-manager/traffic-manager-monitoring).
enum class EndpointStatus : std::uint8_t {
  kOnline,            ///< Probed and healthy.
  kDegraded,          ///< Probed and failing.
  kCheckingEndpoint,  ///< Probed, and no verdict yet.
  kDisabled,          ///< Switched off by the administrator.
  kStopped,           ///< The site itself is switched off.
  kInactive,          ///< No enabled profile uses it.
  kUnmonitored,       ///< Not probed; counted in.
};

/// True where the status alone lets an endpoint take clients.
constexpr bool is_available(EndpointStatus status) noexcept {
  return status == EndpointStatus::kOnline || status == EndpointStatus::kCheckingEndpoint ||
         status == EndpointStatus::kUnmonitored;
}

/// "Online", "CheckingEndpoint", …
constexpr std::string_view to_string(EndpointStatus status) noexcept {
  switch (status) {
    case EndpointStatus::kOnline:
      return "Online";
    case EndpointStatus::kDegraded:
      return "Degraded";
    case EndpointStatus::kCheckingEndpoint:
      return "CheckingEndpoint";
    case EndpointStatus::kDisabled:
      return "Disabled";
    case EndpointStatus::kStopped:
      return "Stopped";
    case EndpointStatus::kInactive:
      return "Inactive";
    case EndpointStatus::kUnmonitored:
      return "Unmonitored";
  }
  return "Unknown";
}

}  // namespace gslb::base
