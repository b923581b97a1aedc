#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>

#include "health/pending.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// For scheduling: never jumps.
using SteadyTime = std::chrono::steady_clock::time_point;
/// For people to read ("since 13:00"): may jump, so nothing is ever computed from it.
using WallTime = std::chrono::system_clock::time_point;

/// Time and timers, so that tests can bring their own. One thread.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual SteadyTime now() const = 0;
  virtual WallTime wall_now() const = 0;

  /// Calls `callback` once at `when`, or as soon as possible where that has passed, but never
  /// inside this call.
  [[nodiscard]] virtual std::unique_ptr<Pending> call_at(SteadyTime when,
                                                         std::function<void()> callback) = 0;
};

/// A source of randomness, so that tests can bring their own. One thread.
class Random {
 public:
  virtual ~Random() = default;

  /// Uniform in [0, 1).
  virtual double uniform() = 0;
};

/// The real time, with timers that run on an io_context. `io` must outlive it; used on `io`'s
/// thread.
class AsioClock final : public Clock {
 public:
  explicit AsioClock(boost::asio::io_context& io) : io_(io) {}

  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  WallTime wall_now() const override { return std::chrono::system_clock::now(); }
  [[nodiscard]] std::unique_ptr<Pending> call_at(SteadyTime when,
                                                 std::function<void()> callback) override;

 private:
  boost::asio::io_context& io_;
};

/// Mersenne Twister. Good for jitter, not for secrets.
class SeededRandom final : public Random {
 public:
  SeededRandom() : SeededRandom(std::random_device{}()) {}
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}

  double uniform() override { return std::uniform_real_distribution<double>{0, 1}(engine_); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace gslb::health
