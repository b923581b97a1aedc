#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "health/clock.h"
#include "health/fetcher.h"
#include "health/load_spec.h"

namespace gslb::health {

/// Asks sites how busy they are, each at its interval. What a site does not tell three times in a
/// row is not known any more; it does no harm then.
///
/// One thread, that of `clock` and `fetcher`, which must outlive it.
class LoadPoller {
 public:
  struct Load {
    std::optional<double> share;  ///< Of the capacity in use, from 0 on; nothing: not known.
    std::string error;            ///< Why the newest is not known; empty where it is.
  };

  /// Called after every poll that changes the share, and where the first of several fails. It may
  /// call set_targets().
  using Listener = std::function<void(const std::string& endpoint, const Load& load)>;

  LoadPoller(Clock& clock, Fetcher& fetcher, Listener listener);
  ~LoadPoller();
  LoadPoller(const LoadPoller&) = delete;
  LoadPoller& operator=(const LoadPoller&) = delete;

  /// Exactly these from now on, by endpoint. What is known where nothing changes is kept.
  void set_targets(const std::map<std::string, LoadSpec>& targets);

  /// Not known for an endpoint that is not among them.
  Load find(const std::string& endpoint) const;

 private:
  struct Entry {
    LoadSpec spec;
    Load load;
    unsigned failures = 0;
    std::unique_ptr<Pending> fetch;
    std::unique_ptr<Pending> timer;
  };

  void poll(const std::string& endpoint);
  void finish(const std::string& endpoint, const Fetcher::Result& result);

  Clock& clock_;
  Fetcher& fetcher_;
  Listener listener_;
  std::map<std::string, Entry> entries_;
};

}  // namespace gslb::health
