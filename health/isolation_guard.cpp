#include "health/isolation_guard.h"

#include <algorithm>
#include <utility>

namespace gslb::health {
namespace {

constexpr std::chrono::seconds kPauseBetweenRounds{1};

}  // namespace

IsolationGuard::IsolationGuard(Clock& clock, Prober& prober, std::function<void()> listener)
    : clock_(clock), prober_(prober), listener_(std::move(listener)) {}

IsolationGuard::~IsolationGuard() { stop(); }

void IsolationGuard::set_canaries(std::vector<ProbingSpec::Canary> canaries) {
  const auto is_same = [](const auto& a, const auto& b) {
    return a.address == b.address && *a.monitor == *b.monitor;
  };
  if (std::ranges::equal(canaries, canaries_, is_same)) return;
  stop();
  canaries_ = std::move(canaries);
  isolated_since_.reset();
  reason_.clear();
}

void IsolationGuard::stop() {
  asking_.clear();
  pause_.reset();
  unanswered_ = 0;
}

void IsolationGuard::record_success() {
  if (canaries_.empty()) return;
  evidence_ = clock_.now();
  set_isolated(false);
}

bool IsolationGuard::may_degrade(SteadyTime since) {
  if (canaries_.empty() || (evidence_ && *evidence_ > since)) return true;
  if (unanswered_ == 0 && !pause_) ask();
  return false;
}

void IsolationGuard::ask() {
  unanswered_ = canaries_.size();
  failures_.clear();
  asking_.clear();
  for (std::size_t i = 0; i < canaries_.size(); ++i) {
    asking_.push_back(prober_.start(canaries_[i].monitor, canaries_[i].address,
                                    [this, i](const ProbeResult& result) { finish(i, result); }));
  }
}

void IsolationGuard::finish(std::size_t index, const ProbeResult& result) {
  if (unanswered_ == 0) return;
  --unanswered_;
  if (result.success()) {
    unanswered_ = 0;  // One is enough; what the others say is not waited for.
    evidence_ = clock_.now();
    set_isolated(false);
    if (listener_) listener_();
    return;
  }
  failures_ +=
      (failures_.empty() ? "" : "; ") + canaries_[index].monitor->name + ": " + result.detail;
  if (unanswered_ > 0) return;
  reason_ = failures_;
  // Whether it lasts is asked again, as long as it does.
  pause_ = clock_.call_at(clock_.now() + kPauseBetweenRounds, [this] {
    pause_.reset();
    if (isolated_since_) ask();
  });
  set_isolated(true);
}

void IsolationGuard::set_isolated(bool is_isolated) {
  if (is_isolated == isolated_since_.has_value()) return;
  isolated_since_.reset();
  if (is_isolated) {
    isolated_since_ = clock_.wall_now();
  } else {
    reason_.clear();
  }
  if (listener_) listener_();
}

}  // namespace gslb::health
