#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/override.h"
#include "base/endpoint_status.h"
#include "health/health_monitor.h"
#include "routing/judge.h"
#include "routing/status.h"

namespace gslb::app {

/// An entry of a profile: an endpoint, or a profile that lies within.
struct EntryReport {
  std::string name;  ///< Of the endpoint or profile.
  bool is_nested = false;
  base::EndpointStatus status = base::EndpointStatus::kUnmonitored;
  bool is_serving = false;  ///< Among those that may be answered, to A or to AAAA.
  std::string reason;       ///< Why the status is not better; may be empty.
};

struct ProfileReport {
  routing::ProfileId id = 0;
  routing::ProfileStatus status = routing::ProfileStatus::kInactive;
  std::size_t serving = 0;  ///< How many entries are.
  std::vector<EntryReport> entries;
};

struct EndpointStatusReport {
  routing::EndpointId id = 0;
  base::EndpointStatus status = base::EndpointStatus::kUnmonitored;
  std::string reason;                            ///< Likewise.
  std::optional<double> load;                    ///< The share of its capacity that is in use.
  std::vector<std::string> used_by;              ///< The profiles with an entry for it.
  std::optional<Override> order = std::nullopt;  ///< What the operator has ordered.
  double ramp = 1;                               ///< The share of its weight since it recovered.
  std::vector<std::string> warnings = {};        ///< What should be mended.
  std::vector<health::CheckReport> checks = {};  ///< Empty where it is not probed.
};

/// What people are told of a configuration and its health at one moment. Plain values; `profiles`
/// and `endpoints` are in the order of the configuration.
struct StatusReport {
  std::vector<ProfileReport> profiles;
  std::vector<EndpointStatusReport> endpoints;
  /// Since when statuses are frozen, as this host is cut off; and what the canaries say.
  std::optional<health::WallTime> isolated_since = std::nullopt;
  std::string isolation_reason = {};
  std::vector<std::string> faults = {};  ///< Why checks cannot be run.
  health::WallTime now{};
};

/// `state` is that of `config`; `statuses` and `reasons` are by EndpointId. What routing does not
/// know is left empty. Thread-safe.
StatusReport make_status_report(const Config& config, const routing::RoutingState& state,
                                std::span<const base::EndpointStatus> statuses,
                                std::span<const std::string> reasons);

}  // namespace gslb::app
