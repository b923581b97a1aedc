#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "health/clock.h"
#include "health/prober.h"

namespace gslb::health {

/// Virtual time: stands still until a test advances it. Starts at 2026-11-24T13:00:00Z.
class FakeClock final : public Clock {
 public:
  SteadyTime now() const override { return now_; }
  WallTime wall_now() const override {
    const auto passed = std::chrono::duration_cast<WallTime::duration>(now_ - SteadyTime{});
    return WallTime{std::chrono::seconds(1'795'525'200)} + passed;
  }

  std::unique_ptr<Pending> call_at(SteadyTime when, std::function<void()> callback) override {
    const auto id = ++last_id_;
    (*timers_)[{when, id}] = std::move(callback);
    return std::make_unique<Timer>(timers_, std::pair{when, id});
  }

  /// Runs what is due in between, in order of time.
  void advance(std::chrono::milliseconds duration) {
    const SteadyTime end = now_ + duration;
    while (!timers_->empty() && timers_->begin()->first.first <= end) {
      auto timer = timers_->extract(timers_->begin());
      now_ = std::max(now_, timer.key().first);
      timer.mapped()();
    }
    now_ = end;
  }

  std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - SteadyTime{});
  }
  std::size_t timers() const { return timers_->size(); }

 private:
  using Key = std::pair<SteadyTime, unsigned>;
  using Timers = std::map<Key, std::function<void()>>;

  struct Timer final : Pending {
    Timer(std::shared_ptr<Timers> timers, Key key) : timers_(std::move(timers)), key_(key) {}
    ~Timer() override { timers_->erase(key_); }

    std::shared_ptr<Timers> timers_;
    Key key_;
  };

  SteadyTime now_{};
  unsigned last_id_ = 0;
  std::shared_ptr<Timers> timers_ = std::make_shared<Timers>();
};

/// Gives the listed values in turn, and the last one for ever.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::vector<double> values = {0.0}) : values_(std::move(values)) {}

  double uniform() override {
    const double value = values_[std::min(next_, values_.size() - 1)];
    ++next_;
    return value;
  }

 private:
  std::vector<double> values_;
  std::size_t next_ = 0;
};

/// Records every probe, and ends it when and how the test says.
class FakeProber final : public Prober {
 public:
  struct Probe {
    std::chrono::milliseconds started{0};
    std::shared_ptr<const MonitorSpec> monitor;
    base::IpAddress address;
    Callback callback;
    bool cancelled = false;
    bool finished = false;

    bool is_running() const { return !cancelled && !finished; }
  };

  explicit FakeProber(FakeClock& clock) : clock_(clock) {}

  std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                 const base::IpAddress& address, Callback callback) override {
    auto probe = std::make_shared<Probe>();
    probe->started = clock_.elapsed();
    probe->monitor = std::move(monitor);
    probe->address = address;
    probe->callback = std::move(callback);
    probes_.push_back(probe);
    return std::make_unique<Handle>(probe);
  }

  const std::vector<std::shared_ptr<Probe>>& probes() const { return probes_; }
  std::size_t count() const { return probes_.size(); }
  std::size_t running() const {
    std::size_t count = 0;
    for (const auto& probe : probes_) count += probe->is_running() ? 1 : 0;
    return count;
  }

  /// Ends a probe even if it was cancelled: that is how a late result arrives.
  static void finish(const std::shared_ptr<Probe>& probe, bool success, std::string detail = "") {
    probe->finished = true;
    probe->callback({success ? Outcome::kSuccess : Outcome::kFailure, std::move(detail), {}});
  }

  /// Ends a probe that could not be done.
  static void finish_locally(const std::shared_ptr<Probe>& probe, std::string detail) {
    probe->finished = true;
    probe->callback({Outcome::kLocalFault, std::move(detail), {}});
  }

  /// Ends a successful probe of a server that showed this certificate.
  static void finish_with(const std::shared_ptr<Probe>& probe,
                          std::shared_ptr<const CertificateReport> certificate) {
    probe->finished = true;
    probe->callback({Outcome::kSuccess, "", {}, {}, {}, std::move(certificate)});
  }

  /// Ends all that run at `address`, or all at all.
  void finish_running(bool success, std::string detail = "",
                      std::optional<base::IpAddress> address = std::nullopt) {
    const auto snapshot = probes_;
    for (const auto& probe : snapshot) {
      if (!probe->is_running() || (address && probe->address != *address)) continue;
      finish(probe, success, detail);
    }
  }

 private:
  struct Handle final : Pending {
    explicit Handle(std::shared_ptr<Probe> probe) : probe_(std::move(probe)) {}
    ~Handle() override {
      if (!probe_->finished) probe_->cancelled = true;
    }

    std::shared_ptr<Probe> probe_;
  };

  FakeClock& clock_;
  std::vector<std::shared_ptr<Probe>> probes_;
};

}  // namespace gslb::health
