#include "zones/published.h"

#include <algorithm>
#include <utility>

namespace gslb::zones {

Published::Published(std::shared_ptr<const Snapshot> first) : current_(std::move(first)) {}

void Published::publish(std::shared_ptr<const Snapshot> next) {
  {
    const std::scoped_lock lock(mutex_);
    retired_.push_back(std::exchange(current_, std::move(next)));
    generation_.fetch_add(1, std::memory_order_release);
  }
  // A count of one means that only `retired_` holds it: nobody can obtain it any more.
  std::erase_if(retired_, [](const auto& snapshot) { return snapshot.use_count() == 1; });
}

std::shared_ptr<const Snapshot> Published::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

SnapshotReader::SnapshotReader(const Published& published) : published_(published) {
  const std::scoped_lock lock(published_.mutex_);
  generation_ = published_.generation_.load(std::memory_order_relaxed);
  snapshot_ = published_.current_;
}

const Snapshot& SnapshotReader::refresh() noexcept {
  if (published_.generation_.load(std::memory_order_acquire) != generation_) {
    const std::scoped_lock lock(published_.mutex_);
    generation_ = published_.generation_.load(std::memory_order_relaxed);
    snapshot_ = published_.current_;
  }
  return *snapshot_;
}

}  // namespace gslb::zones
