#include "health/check_state.h"

#include <limits>
#include <utility>

namespace gslb::health {
namespace {

using base::EndpointStatus;

void count(unsigned& counter) {
  if (counter < std::numeric_limits<unsigned>::max()) ++counter;
}

}  // namespace

void CheckState::record_success(WallTime now) {
  failures_ = 0;
  count(successes_);
  const bool recovered =
      status_ != EndpointStatus::kDegraded || successes_ >= thresholds_.recoveries;
  if (!recovered) return;  // The reason stays: it is still why the check is Degraded.
  reason_.clear();
  enter(EndpointStatus::kOnline, now);
}

void CheckState::record_failure(std::string reason, WallTime now, bool may_degrade) {
  successes_ = 0;
  if (failures_ == 0) failing_since_ = now;
  count(failures_);
  reason_ = std::move(reason);
  if (may_degrade && failures_ > thresholds_.tolerated_failures)
    enter(EndpointStatus::kDegraded, now);
}

void CheckState::forgive() {
  if (status_ == EndpointStatus::kDegraded) return;
  failures_ = 0;
  reason_.clear();
}

void CheckState::restore(EndpointStatus status, WallTime since, std::string reason) {
  status_ = status;
  status_since_ = since;
  reason_ = std::move(reason);
}

bool CheckState::is_on_edge() const {
  return status_ != EndpointStatus::kDegraded && failures_ >= thresholds_.tolerated_failures;
}

bool CheckState::is_changing() const {
  return status_ == EndpointStatus::kDegraded ? successes_ > 0 : failures_ > 0;
}

std::optional<std::chrono::milliseconds> CheckState::degraded_in() const {
  if (failures_ == 0 || status_ == EndpointStatus::kDegraded) return std::nullopt;
  // Lowered thresholds can leave more failures than are tolerated: then the next one decides.
  const unsigned needed = thresholds_.tolerated_failures + 1;
  const unsigned missing = needed > failures_ ? needed - failures_ : 1;
  return missing * thresholds_.interval;
}

void CheckState::enter(EndpointStatus status, WallTime now) {
  if (status == status_) return;
  status_ = status;
  status_since_ = now;
}

}  // namespace gslb::health
