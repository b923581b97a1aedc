#include "health/verdict.h"

#include <algorithm>
#include <vector>

namespace gslb::health {

using base::EndpointStatus;

Verdict combine(std::span<const Verdict> checks, std::size_t required) {
  const auto count = [&](EndpointStatus status) {
    return static_cast<std::size_t>(
        std::ranges::count_if(checks, [&](const Verdict& v) { return v.status == status; }));
  };
  const std::size_t standing = checks.size() - count(EndpointStatus::kDegraded);
  if (standing < required) return {EndpointStatus::kDegraded, std::nullopt};
  Verdict verdict{count(EndpointStatus::kOnline) >= required ? EndpointStatus::kOnline
                                                             : EndpointStatus::kCheckingEndpoint,
                  std::nullopt};
  // So many of those that stand must fall; the last of them to fall decides.
  const std::size_t needed = standing - required + 1;
  std::vector<std::chrono::milliseconds> falls;
  for (const Verdict& check : checks) {
    if (check.degraded_in) falls.push_back(*check.degraded_in);
  }
  if (falls.size() < needed) return verdict;
  std::ranges::sort(falls);
  verdict.degraded_in = falls[needed - 1];
  return verdict;
}

Verdict worse(const Verdict& a, const Verdict& b) {
  Verdict verdict{EndpointStatus::kUnmonitored, a.degraded_in};
  for (const auto status :
       {EndpointStatus::kOnline, EndpointStatus::kCheckingEndpoint, EndpointStatus::kDegraded}) {
    if (a.status == status || b.status == status) verdict.status = status;
  }
  if (b.degraded_in && (!verdict.degraded_in || *b.degraded_in < *verdict.degraded_in)) {
    verdict.degraded_in = b.degraded_in;
  }
  return verdict;
}

}  // namespace gslb::health
