#include "routing/latency_store.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/address_range.h"
#include "routing/latency_columns.h"

namespace gslb::routing {
namespace {

/// About 30 MB.
constexpr std::size_t kMaxRecent = 500'000;

/// Of 8 measurements.
constexpr std::int64_t kWeight = 1;
constexpr std::int64_t kWeights = 8;

bool is_before_key(const LatencyCell& a, const LatencyCell& b) noexcept { return a.key < b.key; }

/// The clock may have been set back since a value was measured: it counts as new then.
bool is_too_old(const LatencyCell& cell, const LatencyLimits& limits, LatencyStore::Time now) {
  return now - LatencyStore::Time{std::chrono::seconds{cell.measured}} > limits.max_age;
}

std::uint32_t smooth(std::uint32_t mean, std::int64_t rtt) {
  const std::int64_t sum = mean * (kWeights - kWeight) + rtt * kWeight;
  return static_cast<std::uint32_t>((sum + kWeights / 2) / kWeights);
}

/// The keys of what overlaps with a network.
std::pair<LatencyKey, LatencyKey> key_range(const std::optional<base::AddressPrefix>& network) {
  constexpr auto kLastColumn = static_cast<LatencyColumn>(kMaxLatencyColumns - 1);
  if (!network) return {0, ~LatencyKey{0}};
  const base::AddressRange range = base::to_range(*network);
  return {latency_key(range.first, 0), latency_key(range.last, kLastColumn)};
}

}  // namespace

LatencyMerged LatencyStore::Merge::run() const {
  LatencyCells fresh;
  fresh.reserve(recent->size());
  for (const auto& [key, cell] : *recent) fresh.push_back(cell);
  std::sort(fresh.begin(), fresh.end(), is_before_key);

  auto merged = std::make_shared<LatencyCells>();
  merged->reserve(cells->size() + fresh.size());
  std::set_union(fresh.begin(), fresh.end(), cells->begin(), cells->end(),
                 std::back_inserter(*merged), is_before_key);
  const auto too_old =
      std::remove_if(merged->begin(), merged->end(),
                     [this](const LatencyCell& cell) { return is_too_old(cell, limits, now); });
  LatencyMerged result;
  result.has_changes = !fresh.empty() || too_old != merged->end();
  merged->erase(too_old, merged->end());

  static const std::vector<FiledLatency> kNoLines;
  LatencySources sources{{}, filed.lines ? *filed.lines : kNoLines, filed.columns};
  result.evicted_networks = evict_oldest(*merged, sources, limits.max_memory);
  if (result.evicted_networks > 0) result.has_changes = true;
  merged->shrink_to_fit();
  sources.measured = *merged;
  result.map = std::make_shared<const LatencyMap>(make_latency_map(sources));
  result.cells = std::move(merged);
  return result;
}

LatencyStore::LatencyStore(const LatencyLimits& limits)
    : limits_(limits),
      cells_(std::make_shared<const LatencyCells>()),
      recent_(std::make_shared<Recent>()) {}

void LatencyStore::restore(LatencyCells cells) {
  std::sort(cells.begin(), cells.end(), is_before_key);
  const auto last =
      std::unique(cells.begin(), cells.end(),
                  [](const LatencyCell& a, const LatencyCell& b) { return a.key == b.key; });
  cells.erase(last, cells.end());
  cells_ = std::make_shared<const LatencyCells>(std::move(cells));
}

const LatencyCell* LatencyStore::find(LatencyKey key) const {
  const std::array<const Recent*, 2> tables{recent_.get(), merging_.get()};
  for (const Recent* recent : tables) {
    if (recent == nullptr) continue;
    const auto found = recent->find(key);
    if (found != recent->end()) return &found->second;
  }
  const auto found =
      std::lower_bound(cells_->begin(), cells_->end(), LatencyCell{key, 0, 0}, is_before_key);
  return found != cells_->end() && found->key == key ? &*found : nullptr;
}

bool LatencyStore::add(const base::IpAddress& client, LatencyColumn column,
                       std::chrono::microseconds rtt, Time now) {
  if (column >= kMaxLatencyColumns) return false;
  const LatencyKey key = latency_key(client, column);
  const LatencyCell* known = find(key);
  if (recent_->size() >= kMaxRecent && !recent_->contains(key)) return false;
  LatencyCell cell{key, static_cast<std::uint32_t>(rtt.count()),
                   static_cast<std::uint32_t>(now.time_since_epoch().count())};
  if (known != nullptr && !is_too_old(*known, limits_, now)) {
    cell.rtt_us = smooth(known->rtt_us, rtt.count());
  }
  recent_->insert_or_assign(key, cell);
  return true;
}

LatencyStore::Merge LatencyStore::begin_merge(Time now) {
  if (merging_) recent_->insert(merging_->begin(), merging_->end());
  merging_ = std::exchange(recent_, std::make_shared<Recent>());
  return {cells_, merging_, filed_, limits_, now};
}

void LatencyStore::finish_merge(const LatencyMerged& merged) {
  cells_ = merged.cells;
  merging_ = nullptr;
  evicted_networks_ += merged.evicted_networks;
}

LatencyMap LatencyStore::make_map(Time now) {
  const LatencyMerged merged = begin_merge(now).run();
  finish_merge(merged);
  return *merged.map;
}

LatencyCells LatencyStore::find_measured(const std::optional<base::AddressPrefix>& network,
                                         const std::function<bool(LatencyColumn)>& is_wanted,
                                         std::size_t limit) const {
  const auto [first, last] = key_range(network);
  const auto is_in = [&, low = first, high = last](LatencyKey key) {
    return low <= key && key <= high && is_wanted(column_of(key));
  };
  std::map<LatencyKey, LatencyCell> found;
  auto cell =
      std::lower_bound(cells_->begin(), cells_->end(), LatencyCell{first, 0, 0}, is_before_key);
  for (; cell != cells_->end() && cell->key <= last && found.size() < limit; ++cell) {
    if (is_in(cell->key)) found.emplace_hint(found.end(), cell->key, *cell);
  }
  const std::array<const Recent*, 2> tables{merging_.get(), recent_.get()};
  for (const Recent* recent : tables) {
    if (recent == nullptr) continue;
    for (const auto& [key, fresh] : *recent) {
      if (is_in(key)) found.insert_or_assign(key, fresh);
    }
  }
  LatencyCells cells;
  for (const auto& [key, value] : found) cells.push_back(value);
  return cells;
}

}  // namespace gslb::routing
