#pragma once

namespace gslb::health {

/// A timer or probe under way. Destroying it cancels: the callback never runs afterwards, and what
/// it captured is released soon. It may be destroyed at any time, inside its own callback and after
/// the object that made it included. Not thread-safe: it belongs to the thread that runs the
/// callback.
class Pending {
 public:
  Pending() = default;
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  virtual ~Pending() = default;
};

}  // namespace gslb::health
