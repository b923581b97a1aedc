#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address_range.h"
#include "base/big_allocator.h"

namespace gslb::routing {

/// Which of many address ranges an address lies in: one value for each address, in about two cache
/// misses among millions of ranges.
///
/// The ranges are cut into intervals that do not overlap and lie side by side over the whole
/// family, so an interval is found by where it starts. The starts are sorted, and above them stand
/// levels that each hold every 16th key of the level below: one cache line decides each step (a
/// B+-tree without pointers, as in CSS-trees: Rao, Ross, "Cache Conscious Indexing for
/// Decision-Support in Main Memory", VLDB 1999). Among many intervals an index by leading bits
/// leads there in one step instead. Of IPv6 addresses the first 64 bits are the key; the rest is
/// compared only where ranges begin inside a /64.
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
  /// An index pays for many intervals only: that of a few would displace others from the cache.
  static constexpr std::size_t kIndexFrom = std::size_t{1} << 16;
  static constexpr unsigned kIndexBits = 16;  ///< It has no more buckets than 1 << kIndexBits.
  /// A bucket with more intervals, as where networks crowd, is searched in the levels.
  static constexpr std::uint32_t kFullBucket = 128;

  /// The intervals of one family, by their first addresses; the first of all is zero. Keys, and
  /// those of each level, are filled up to whole nodes of kFanout with the greatest key there is.
  template <class Key>
  struct Table {
    /// The last of the keys that is not greater than `key`.
    std::uint32_t find(Key key) const noexcept {
      if (!index.empty()) {
        const Key first = keys[1];
        if (key < first) return 0;
        const std::size_t bucket = std::min<std::size_t>((key - first) >> shift, index.size() - 2);
        const std::uint32_t left = index[bucket + 1] - index[bucket];
        if (left <= kFullBucket) return find_after(index[bucket] - 1, left, key);
      }
      std::size_t node = 0;
      for (std::size_t level = levels.size(); level-- > 0;) {
        const std::size_t below = level > 0 ? levels[level - 1].size() : keys.size();
        node = std::min(last_not_greater(levels[level], node, key), below / kFanout - 1);
      }
      // What the caller reads next arrives beside the keys.
      __builtin_prefetch(&values[node * kFanout]);
      return static_cast<std::uint32_t>(
          std::min(last_not_greater(keys, node, key), values.size() - 1));
    }

    /// Among `at` and the `left` keys behind it.
    std::uint32_t find_after(std::uint32_t at, std::uint32_t left, Key key) const noexcept {
      __builtin_prefetch(&values[at + left / 2]);
      while (left > 0) {
        const std::uint32_t half = (left + 1) / 2;
        at += keys[at + half] <= key ? half : 0;
        left -= half;
      }
      return at;
    }

    /// May be beyond the end for the greatest key, which equals those that fill the last node.
    static std::size_t last_not_greater(const base::BigVector<Key>& sorted, std::size_t node,
                                        Key key) noexcept {
      const Key* const keys = &sorted[node * kFanout];
      unsigned smaller = 0;
      // Without a branch that depends on the data.
#pragma GCC unroll 16
      for (std::size_t i = 0; i < kFanout; ++i) smaller += keys[i] <= key ? 1U : 0U;
      return node * kFanout + smaller - 1;
    }

    base::BigVector<Key> keys;
    std::vector<base::BigVector<Key>> levels;  ///< levels[0]: the first key of each node of `keys`.
    base::BigVector<std::uint64_t> low;  ///< The other half of each key; empty where all are 0.
    base::BigVector<std::uint32_t> values;
    /// index[i]: how many keys are below keys[1] + (i << shift), but 1 at least; at the end, how
    /// many there are. Empty where there is none.
    base::BigVector<std::uint32_t> index;
    unsigned shift = 0;
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
