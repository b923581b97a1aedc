#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "health/clock.h"
#include "health/resolver.h"

namespace gslb::health {

/// Knows the addresses of hosts and keeps them fresh: looks every one up again every 30 s, and
/// sooner after a failure. Addresses that were found stay until others are.
///
/// One thread, that of `clock` and `resolver`, which must outlive it.
class TargetAddresses {
 public:
  struct State {
    std::vector<base::IpAddress> addresses;  ///< Sorted; empty until the first were found.
    unsigned failures = 0;                   ///< Lookups in a row that failed.
    std::string error;                       ///< Of the last lookup; empty where it succeeded.
  };

  /// Called when the addresses of a host are others, or when a host without addresses has failed
  /// kGivingUp times. It may call set_hosts().
  using Listener = std::function<void(const std::string& host)>;

  /// So many failures in a row say that a host without addresses has none.
  static constexpr unsigned kGivingUp = 3;

  TargetAddresses(Clock& clock, Resolver& resolver, Listener listener);
  ~TargetAddresses();
  TargetAddresses(const TargetAddresses&) = delete;
  TargetAddresses& operator=(const TargetAddresses&) = delete;

  /// Exactly these from now on. What is known of those that stay is kept.
  void set_hosts(const std::set<std::string>& hosts);

  /// An empty state for a host that is not among them.
  const State& find(const std::string& host) const;

 private:
  struct Entry {
    State state;
    std::unique_ptr<Pending> lookup;
    std::unique_ptr<Pending> timer;
  };

  void look_up(const std::string& host);
  void finish(const std::string& host, const Resolver::Result& result);

  Clock& clock_;
  Resolver& resolver_;
  Listener listener_;
  std::map<std::string, Entry> entries_;
};

}  // namespace gslb::health
