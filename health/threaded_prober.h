#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "health/clock.h"
#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// Runs another prober on a thread of its own, so that handshakes and whatever else takes time keep
/// nobody else waiting. Watches that thread: one that does not come back within kHangsAfter is left
/// to itself, and a new one takes its place; the probes that it had under way never end.
///
/// A host that is too busy must not make sites look down. So a probe begins only once the thread
/// has seen to everything that others wait for: where there is more to do than it can, probes begin
/// late and are as quick as ever. And a probe that has run out of time while the thread stood still
/// is a local fault.
///
/// One thread, that of `io`, which must outlive it; callbacks come there.
class ThreadedProber final : public Prober {
 public:
  static constexpr std::chrono::seconds kHangsAfter{10};

  /// Called on the new thread; the prober lives and dies there.
  using Make = std::function<std::unique_ptr<Prober>(boost::asio::io_context&)>;

  /// `on_hang` hears of each thread that is replaced; may be empty. `clock` must outlive it, too.
  ThreadedProber(boost::asio::io_context& io, Clock& clock, Make make,
                 std::function<void()> on_hang);
  ThreadedProber(const ThreadedProber&) = delete;
  ThreadedProber& operator=(const ThreadedProber&) = delete;
  ~ThreadedProber() override;

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

  /// When a thread was last replaced.
  std::optional<WallTime> hung_at() const { return hung_at_; }

  /// Ends the thread, and with it all probes: what start() returned must be destroyed before.
  /// start() must not be called any more.
  void stop();

 private:
  class Worker;

  void beat();

  boost::asio::io_context& io_;
  Clock& clock_;
  Make make_;
  std::function<void()> on_hang_;
  std::shared_ptr<Worker> worker_;
  std::unique_ptr<Pending> timer_;
  std::optional<SteadyTime> asked_;  ///< Since when the thread owes an answer.
  std::optional<WallTime> hung_at_;
};

}  // namespace gslb::health
