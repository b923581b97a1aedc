#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include "base/endpoint_status.h"

namespace gslb::health {

/// What one check says, or several together.
struct Verdict {
  base::EndpointStatus status = base::EndpointStatus::kUnmonitored;
  /// How long until it could be Degraded, counted from the newest result; nothing while no change
  /// is in sight.
  std::optional<std::chrono::milliseconds> degraded_in;
};

/// Several checks of which `required` must pass: Online when so many are, Degraded when too many
/// are Degraded for it, CheckingEndpoint in between. `required` is 1 to the number of checks. Pure.
Verdict combine(std::span<const Verdict> checks, std::size_t required);

/// Degraded beats CheckingEndpoint beats Online beats Unmonitored (no check at all), and the sooner
/// change the later. Pure.
Verdict worse(const Verdict& a, const Verdict& b);

}  // namespace gslb::health
