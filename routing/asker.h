#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/ip_address.h"
#include "routing/latency_map.h"
#include "routing/location.h"
#include "routing/random.h"

namespace gslb::routing {

/// Whom one answer is for, and what is known of them: looked up when a decision first asks for it.
/// On its way through decision trees it also finds out for which network around the client the
/// decision is the same. Borrows all that it is made from; not thread-safe.
class Asker {
 public:
  Asker(const base::IpAddress& address, const LocationMap& locations, const LatencyMap& latency,
        Rng& rng) noexcept
      : address_(address), locations_(locations), latency_(latency), rng_(rng) {}

  const base::IpAddress& address() const noexcept { return address_; }
  const LocationMap& locations() const noexcept { return locations_; }
  const LatencyMap& latency() const noexcept { return latency_; }
  Rng& rng() noexcept { return rng_; }

  const RangeMap::Hit& place() noexcept {
    if (!place_) place_ = locations_.ranges().find(address_);
    return *place_;
  }
  const Location& location() noexcept { return locations_.location(place().value); }

  const RangeMap::Hit& measurement() noexcept {
    if (!measurement_) measurement_ = latency_.ranges().find(address_);
    return *measurement_;
  }

  /// From here on scope() is found out, which costs a little.
  void want_scope() noexcept { wants_scope_ = true; }
  bool wants_scope() const noexcept { return wants_scope_; }
  /// The decision holds for no more than the first `bits` of the address.
  void narrow_scope(unsigned bits) noexcept {
    scope_ = std::max(scope_, static_cast<std::uint8_t>(bits));
  }
  /// The decisions so far are the same for every client that shares so many leading bits (SCOPE
  /// PREFIX-LENGTH of RFC 7871 §6). 0 where it is not wanted.
  std::uint8_t scope() const noexcept { return scope_; }

 private:
  const base::IpAddress& address_;
  const LocationMap& locations_;
  const LatencyMap& latency_;
  Rng& rng_;
  std::optional<RangeMap::Hit> place_;
  std::optional<RangeMap::Hit> measurement_;
  std::uint8_t scope_ = 0;
  bool wants_scope_ = false;
};

}  // namespace gslb::routing
