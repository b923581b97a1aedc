#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/unique_fd.h"
#include "dns/answer.h"
#include "dns/rate_limiter.h"
#include "zones/published.h"

namespace gslb::dns {

/// One thread that answers what arrives at one UDP socket, a batch at a time. Workers share nothing
/// but what is published. Owned by the server; start and stop from one thread.
class UdpWorker {
 public:
  /// `socket` is bound and blocking; `seed` starts the random numbers of weighted answers, `key` is
  /// that of the rate limit's table. `published` must outlive the worker.
  UdpWorker(base::UniqueFd socket, const zones::Published& published, std::uint64_t seed,
            const SipHashKey& key);
  ~UdpWorker();

  void start();

  /// Answers what has already arrived, then ends the thread. Takes a fraction of a second at most.
  void stop();

  /// May be read from any thread.
  const Counters& counters() const noexcept { return scratch_.counters; }

 private:
  void run() noexcept;

  base::UniqueFd socket_;
  const zones::Published& published_;
  RateLimiter limiter_;
  Scratch scratch_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace gslb::dns
