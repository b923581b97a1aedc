#include "routing/range_map.h"

#include <array>
#include <limits>
#include <queue>
#include <span>
#include <utility>

namespace gslb::routing {
namespace {

std::uint64_t load_u64(std::span<const std::uint8_t> bytes) noexcept {
  // In one expression, which the compiler makes one load of.
  const auto at = [&](std::size_t i) { return std::uint64_t{bytes[i]}; };
  return at(0) << 56 | at(1) << 48 | at(2) << 40 | at(3) << 32 | at(4) << 24 | at(5) << 16 |
         at(6) << 8 | at(7);
}

std::uint32_t key_of_v4(const base::IpAddress& address) noexcept {
  const auto bytes = address.bytes();
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

base::IpAddress v4_of(std::uint32_t key) noexcept {
  return base::IpAddress::v4({static_cast<std::uint8_t>(key >> 24),
                              static_cast<std::uint8_t>(key >> 16),
                              static_cast<std::uint8_t>(key >> 8), static_cast<std::uint8_t>(key)});
}

base::IpAddress v6_of(std::uint64_t high, std::uint64_t low) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    bytes[i + 8] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return base::IpAddress::v6(bytes);
}

base::IpAddress first_of(bool v4) noexcept { return v4 ? v4_of(0) : v6_of(0, 0); }
base::IpAddress last_of(bool v4) noexcept {
  return v4 ? v4_of(0xffffffff) : v6_of(~std::uint64_t{0}, ~std::uint64_t{0});
}

/// last − first as a number of 128 bits, to compare sizes by.
std::pair<std::uint64_t, std::uint64_t> size_of(const base::AddressRange& range) noexcept {
  if (range.first.is_v4()) return {0, key_of_v4(range.last) - key_of_v4(range.first)};
  const auto first = range.first.bytes();
  const auto last = range.last.bytes();
  const std::uint64_t low = load_u64(last.subspan(8)) - load_u64(first.subspan(8));
  const std::uint64_t borrow = load_u64(last.subspan(8)) < load_u64(first.subspan(8)) ? 1 : 0;
  return {load_u64(last) - load_u64(first) - borrow, low};
}

struct Interval {
  base::IpAddress start;
  std::uint32_t value;
};

/// `count` keys and what fills up their last node.
template <std::size_t kFanout>
constexpr std::size_t whole_nodes(std::size_t count) {
  return (count + kFanout - 1) / kFanout * kFanout;
}

/// See RangeMap::Table::index.
template <unsigned kBits, class Table>
void make_index(Table& table) {
  const auto& keys = table.keys;
  const auto span = keys.back() - keys[1];
  while ((span >> table.shift) >> kBits != 0) ++table.shift;
  const std::size_t buckets = static_cast<std::size_t>(span >> table.shift) + 1;
  table.index.reserve(buckets + 1);
  std::uint32_t below = 1;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    while (below < keys.size() && (keys[below] - keys[1]) >> table.shift < bucket) ++below;
    table.index.push_back(below);
  }
  table.index.push_back(static_cast<std::uint32_t>(keys.size()));
}

/// Fills the last node, and reads the first key of each node into the level above, up to the root.
template <std::size_t kFanout, class Table>
void add_levels(Table& table) {
  using Keys = decltype(table.keys);
  const auto fill = [](Keys& keys) {
    keys.resize(whole_nodes<kFanout>(keys.size()),
                std::numeric_limits<typename Keys::value_type>::max());
  };
  fill(table.keys);
  const Keys* below = &table.keys;
  while (below->size() > kFanout) {
    Keys level;
    level.reserve(whole_nodes<kFanout>(below->size() / kFanout));
    for (std::size_t i = 0; i < below->size(); i += kFanout) level.push_back((*below)[i]);
    fill(level);
    table.levels.push_back(std::move(level));
    below = &table.levels.back();
  }
}

}  // namespace

RangeMap::RangeMap() {
  v4_.keys = {0};
  v4_.values = {kNone};
  add_levels<kFanout>(v4_);
  v6_.keys = {0};
  v6_.values = {kNone};
  add_levels<kFanout>(v6_);
}

RangeMap::Hit RangeMap::find(const base::IpAddress& address) const noexcept {
  if (address.is_v4()) {
    const std::uint32_t at = v4_.find(key_of_v4(address));
    return {v4_.values[at], at};
  }
  const auto bytes = address.bytes();
  const std::uint64_t high = load_u64(bytes);
  std::uint32_t at = v6_.find(high);
  if (!v6_.low.empty() && v6_.keys[at] == high) {
    const std::uint64_t low = load_u64(bytes.subspan(8));
    if (v6_.low[at] > low) {
      // Among the intervals that begin in this /64, and the one before them.
      const std::uint32_t first = high == 0 ? 0 : v6_.find(high - 1) + 1;
      const auto begin = v6_.low.begin() + first;
      const auto after = std::upper_bound(begin, v6_.low.begin() + at, low);
      at = first + static_cast<std::uint32_t>(after - begin) - 1;
    }
  }
  return {v6_.values[at], at};
}

base::IpAddress RangeMap::interval_start(bool v4, std::uint32_t interval) const noexcept {
  if (v4) return v4_of(v4_.keys[interval]);
  return v6_of(v6_.keys[interval], v6_.low.empty() ? 0 : v6_.low[interval]);
}

base::AddressRange RangeMap::interval_range(bool v4, std::uint32_t interval) const noexcept {
  const base::IpAddress first = interval_start(v4, interval);
  if (interval + 1 == interval_count(v4)) return {first, last_of(v4)};
  return {first, *base::previous(interval_start(v4, interval + 1))};
}

std::uint8_t RangeMap::scope_between(const base::IpAddress& address, std::uint32_t low,
                                     std::uint32_t high) const noexcept {
  // The prefix must differ from both neighbours, where there are any.
  unsigned length = 0;
  if (low > 0) {
    const base::IpAddress below = *base::previous(interval_start(address.is_v4(), low));
    length = base::common_prefix_length(address, below) + 1;
  }
  if (high + 1 < interval_count(address.is_v4())) {
    const base::IpAddress above = interval_start(address.is_v4(), high + 1);
    length = std::max(length, base::common_prefix_length(address, above) + 1);
  }
  return static_cast<std::uint8_t>(length);
}

std::size_t RangeMap::memory() const noexcept {
  const auto octets = [](const auto& table) {
    std::size_t keys = table.keys.capacity();
    for (const auto& level : table.levels) keys += level.capacity();
    return keys * sizeof(table.keys[0]) + table.low.capacity() * sizeof(std::uint64_t) +
           (table.values.capacity() + table.index.capacity()) * sizeof(std::uint32_t);
  };
  return octets(v4_) + octets(v6_);
}

void RangeMapBuilder::add(const base::AddressRange& range, std::uint32_t value) {
  entries_.push_back({range, value});
}

RangeMap RangeMapBuilder::build() && {
  // Entries that begin at one address: the larger first, so that the last of them decides.
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.range.first < b.range.first; });
  // The ranges around the current address; the smallest, and of equal ones the latest, on top.
  struct Active {
    std::pair<std::uint64_t, std::uint64_t> size;
    std::size_t entry;
    bool operator<(const Active& other) const {
      return size != other.size ? size > other.size : entry < other.entry;
    }
  };

  const auto complete = [](auto& table) {
    if (table.keys.size() >= RangeMap::kIndexFrom) make_index<RangeMap::kIndexBits>(table);
    add_levels<RangeMap::kFanout>(table);
  };

  RangeMap map;
  for (const bool v4 : {true, false}) {
    std::vector<Interval> intervals{{first_of(v4), RangeMap::kNone}};
    std::priority_queue<Active> active;
    const auto begin_interval = [&](const base::IpAddress& start) {
      while (!active.empty() && entries_[active.top().entry].range.last < start) active.pop();
      const std::uint32_t value =
          active.empty() ? RangeMap::kNone : entries_[active.top().entry].value;
      if (intervals.back().start == start) {
        intervals.back().value = value;
        const bool merges = intervals.size() > 1 && intervals[intervals.size() - 2].value == value;
        if (merges) intervals.pop_back();
      } else if (intervals.back().value != value) {
        intervals.push_back({start, value});
      }
    };
    // Begins the intervals that the ends of active ranges before `limit` make.
    const auto end_ranges_before = [&](const std::optional<base::IpAddress>& limit) {
      while (!active.empty()) {
        const base::IpAddress last = entries_[active.top().entry].range.last;
        if (limit && last >= *limit) return;
        const auto after = base::next(last);
        if (!after) return;
        begin_interval(*after);
      }
    };
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const base::AddressRange& range = entries_[i].range;
      if (range.first.is_v4() != v4) continue;
      end_ranges_before(range.first);
      active.push({size_of(range), i});
      begin_interval(range.first);
    }
    end_ranges_before(std::nullopt);

    if (v4) {
      map.v4_ = {};
      map.v4_.keys.reserve(whole_nodes<RangeMap::kFanout>(intervals.size()));
      map.v4_.values.reserve(intervals.size());
      for (const Interval& interval : intervals) {
        map.v4_.keys.push_back(key_of_v4(interval.start));
        map.v4_.values.push_back(interval.value);
      }
      complete(map.v4_);
    } else {
      map.v6_ = {};
      map.v6_.keys.reserve(whole_nodes<RangeMap::kFanout>(intervals.size()));
      map.v6_.low.reserve(intervals.size());
      map.v6_.values.reserve(intervals.size());
      bool has_low = false;
      for (const Interval& interval : intervals) {
        const auto bytes = interval.start.bytes();
        map.v6_.keys.push_back(load_u64(bytes));
        map.v6_.low.push_back(load_u64(bytes.subspan(8)));
        map.v6_.values.push_back(interval.value);
        has_low = has_low || map.v6_.low.back() != 0;
      }
      if (!has_low) map.v6_.low = {};
      complete(map.v6_);
    }
  }
  entries_.clear();
  return map;
}

}  // namespace gslb::routing
