#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "zones/snapshot.h"

namespace gslb::zones {

/// Hands snapshots from the control plane to the workers. The writer never waits for a reader, and
/// a reader that finds nothing new pays one atomic load.
///
/// Thread-safety: publish() is for one thread at a time; any number of SnapshotReaders may refresh
/// at once. Old snapshots are freed by the publishing thread, never by a reader.
class Published {
 public:
  explicit Published(std::shared_ptr<const Snapshot> first);

  void publish(std::shared_ptr<const Snapshot> next);

  /// What was published last. For the control plane.
  std::shared_ptr<const Snapshot> current() const;

 private:
  friend class SnapshotReader;

  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> current_;
  /// Superseded snapshots that a reader may still hold: kept so that the last reference is dropped
  /// here and not in a worker.
  std::vector<std::shared_ptr<const Snapshot>> retired_;
  std::atomic<std::uint64_t> generation_{0};
};

/// One worker's view of what is published. Not thread-safe: each worker has its own.
class SnapshotReader {
 public:
  explicit SnapshotReader(const Published& published);

  /// The newest snapshot; the reference holds until the next call. Takes the lock only where
  /// something new was published.
  const Snapshot& refresh() noexcept;

 private:
  const Published& published_;
  std::uint64_t generation_;
  std::shared_ptr<const Snapshot> snapshot_;
};

}  // namespace gslb::zones
