#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address_range.h"

namespace gslb::routing {

/// Which of many address ranges an address lies in: one value for each address, in about two cache
/// misses among millions of ranges.
///
/// The ranges are cut into intervals that do not overlap and lie side by side over the whole
/// family, so an interval is found by where it starts. The starts are sorted, and above them stand
/// levels that each hold every 16th key of the level below: one cache line decides each step (a
/// B+-tree without pointers, as in CSS-trees: Rao, Ross, "Cache Conscious Indexing for
/// Decision-Support in Main Memory", VLDB 1999). Of IPv6 addresses the first 64 bits are the key;
/// the rest is compared only where ranges begin inside a /64.
///
/// Immutable, so any number of threads may read it.
class RangeMap {
 public:
  /// The value of addresses in no range.
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Hit {
    std::uint32_t value = kNone;
    std::uint32_t interval = 0;  ///< For scope().
  };

  /// Everything leads to kNone.
  RangeMap();

  Hit find(const base::IpAddress& address) const noexcept;

  /// The length of the widest prefix around `address` in which `same(value)` holds for the value of
  /// every interval, `interval` being that of the address. It looks at no more than kScopeSteps
  /// intervals on either side, so the prefix may be narrower than it could be, never wider.
  template <class Same>
  std::uint8_t scope(const base::IpAddress& address, std::uint32_t interval,
                     const Same& same) const noexcept {
    std::uint32_t low = interval;
    std::uint32_t high = interval;
    const std::uint32_t count = interval_count(address.is_v4());
    for (unsigned step = 0; step < kScopeSteps && low > 0; ++step) {
      if (!same(value(address.is_v4(), low - 1))) break;
      --low;
    }
    for (unsigned step = 0; step < kScopeSteps && high + 1 < count; ++step) {
      if (!same(value(address.is_v4(), high + 1))) break;
      ++high;
    }
    return scope_between(address, low, high);
  }

  /// Calls visit(AddressRange, value) for every interval with a value, in the order of addresses,
  /// IPv4 first.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const bool v4 : {true, false}) {
      for (std::uint32_t i = 0; i < interval_count(v4); ++i) {
        if (value(v4, i) != kNone) visit(interval_range(v4, i), value(v4, i));
      }
    }
  }

  /// The number of intervals, with those without a value.
  std::size_t size() const noexcept { return v4_.values.size() + v6_.values.size(); }

  /// In octets.
  std::size_t memory() const noexcept;

 private:
  friend class RangeMapBuilder;

  static constexpr unsigned kScopeSteps = 16;
  static constexpr std::size_t kFanout = 16;

  /// The intervals of one family, by their first addresses; the first of all is zero.
  template <class Key>
  struct Table {
    /// The last of the keys that is not greater than `key`.
    std::uint32_t find(Key key) const noexcept {
      std::size_t at = 0;
      for (std::size_t level = levels.size(); level-- > 0;) {
        at = last_not_greater(levels[level], at * kFanout, key);
      }
      return static_cast<std::uint32_t>(last_not_greater(keys, at * kFanout, key));
    }

    static std::size_t last_not_greater(const std::vector<Key>& sorted, std::size_t begin,
                                        Key key) noexcept {
      const std::size_t end = std::min(begin + kFanout, sorted.size());
      std::size_t smaller = 0;
      // Without a branch that depends on the data.
      for (std::size_t i = begin; i < end; ++i) smaller += sorted[i] <= key ? 1 : 0;
      return begin + smaller - 1;
    }

    std::vector<Key> keys;
    std::vector<std::vector<Key>> levels;  ///< levels[0] holds every 16th of `keys`, and so on.
    std::vector<std::uint64_t> low;        ///< The other half of each key; empty where all are 0.
    std::vector<std::uint32_t> values;
  };

  std::uint32_t interval_count(bool v4) const noexcept {
    return static_cast<std::uint32_t>(v4 ? v4_.values.size() : v6_.values.size());
  }
  std::uint32_t value(bool v4, std::uint32_t interval) const noexcept {
    return v4 ? v4_.values[interval] : v6_.values[interval];
  }
  base::IpAddress interval_start(bool v4, std::uint32_t interval) const noexcept;
  base::AddressRange interval_range(bool v4, std::uint32_t interval) const noexcept;
  std::uint8_t scope_between(const base::IpAddress& address, std::uint32_t low,
                             std::uint32_t high) const noexcept;

  Table<std::uint32_t> v4_;
  Table<std::uint64_t> v6_;
};

/// Collects ranges, which may overlap: an address takes the value of the smallest range around it,
/// of two of one size that which begins later, of two equal ones that which was added later. Not
/// thread-safe.
class RangeMapBuilder {
 public:
  /// `value` must not be RangeMap::kNone.
  void add(const base::AddressRange& range, std::uint32_t value);
  void add(const base::AddressPrefix& prefix, std::uint32_t value) {
    add(base::to_range(prefix), value);
  }

  RangeMap build() &&;

 private:
  struct Entry {
    base::AddressRange range;
    std::uint32_t value;
  };

  std::vector<Entry> entries_;
};

}  // namespace gslb::routing
