#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/clock.h"
#include "health/prober.h"
#include "health/spec.h"

namespace gslb::health {

/// Tells sites that are down from a host that is cut off. It hears of every result. A site may only
/// become Degraded on evidence that this host still reaches something: a probe of any site, or of a
/// canary, that succeeded after the site had begun to fail. Without it the canaries are asked, and
/// when all of them fail too, the host is isolated until something succeeds. It decides nothing
/// without canaries.
///
/// One thread, that of `clock` and `prober`, which must outlive it.
class IsolationGuard {
 public:
  /// `listener` hears of isolation beginning and ending, and of canaries that brought evidence.
  IsolationGuard(Clock& clock, Prober& prober, std::function<void()> listener);
  IsolationGuard(const IsolationGuard&) = delete;
  IsolationGuard& operator=(const IsolationGuard&) = delete;
  ~IsolationGuard();

  void set_canaries(std::vector<ProbingSpec::Canary> canaries);
  void stop();

  /// A probe of a site has succeeded.
  void record_success();

  /// Whether a site that began to fail at `since` may become Degraded. Where it may not yet, the
  /// canaries are asked: the listener is called when the answer may have changed.
  bool may_degrade(SteadyTime since);

  /// When isolation began; nothing while the host is not isolated.
  std::optional<WallTime> isolated_since() const { return isolated_since_; }
  /// Why each canary failed: "tcp:192.0.2.1:443: connection refused". Empty unless isolated.
  const std::string& reason() const { return reason_; }

 private:
  void ask();
  void finish(std::size_t index, const ProbeResult& result);
  void set_isolated(bool is_isolated);

  Clock& clock_;
  Prober& prober_;
  std::function<void()> listener_;
  std::vector<ProbingSpec::Canary> canaries_;
  std::optional<SteadyTime> evidence_;
  std::optional<WallTime> isolated_since_;
  std::string reason_;
  std::string failures_;  ///< Of the round under way.
  std::vector<std::unique_ptr<Pending>> asking_;
  std::size_t unanswered_ = 0;
  std::unique_ptr<Pending> pause_;  ///< Between two rounds.
};

}  // namespace gslb::health
