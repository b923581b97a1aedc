#pragma once

#include <algorithm>
#include <chrono>

#include "health/clock.h"

namespace gslb::health {

/// Gives out starting times so that there are at most `rate` a second, and a tenth of that at once
/// (the virtual scheduling form of the generic cell rate algorithm, ITU-T I.371 §A.1). One thread.
class RateCap {
 public:
  /// 0: no limit.
  explicit RateCap(unsigned rate = 0) : rate_(rate) {}

  /// The earliest time from `now` on; it is taken.
  SteadyTime take(SteadyTime now) {
    if (rate_ == 0) return now;
    const auto increment = std::chrono::nanoseconds(std::chrono::seconds(1)) / rate_;
    const auto tolerance = std::max<std::chrono::nanoseconds>(
        std::chrono::milliseconds(100) - increment, std::chrono::nanoseconds(0));
    theoretical_ = std::max(theoretical_, now);
    const SteadyTime start = std::max(now, theoretical_ - tolerance);
    theoretical_ += increment;
    return start;
  }

  bool is_idle(SteadyTime now) const { return theoretical_ <= now; }

 private:
  unsigned rate_;
  SteadyTime theoretical_{};  ///< Of the next one if all came in step.
};

}  // namespace gslb::health
