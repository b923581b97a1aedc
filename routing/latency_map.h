#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/big_allocator.h"
#include "routing/range_map.h"

namespace gslb::routing {

/// An endpoint as the latency map knows it: a number that it keeps as long as the program runs,
/// whatever becomes of the configuration.
using LatencyColumn = std::uint16_t;

/// How far an endpoint is from a client network.
struct LatencySample {
  LatencySample() = default;
  LatencySample(LatencyColumn of, std::uint32_t microseconds) noexcept
      : column(of), rtt_us(microseconds) {}

  bool operator==(const LatencySample& other) const noexcept {
    return column == other.column && rtt_us == other.rtt_us;
  }

  LatencyColumn column = 0;
  std::uint16_t followers = 0;  ///< In a LatencyMap: how many samples of its row come after it.
  std::uint32_t rtt_us = 0;
};

/// The measured round-trip times of all client networks. Immutable, so any number of threads may
/// read it.
class LatencyMap {
 public:
  /// Knows no measurement.
  LatencyMap() = default;

  /// The networks: each value is for row(); kNone means no measurement.
  const RangeMap& ranges() const noexcept { return ranges_; }

  /// The samples of a value of ranges(), the nearest endpoint first; none for RangeMap::kNone.
  std::span<const LatencySample> row(std::uint32_t value) const noexcept {
    if (value == RangeMap::kNone) return {};
    const LatencySample* const first = &samples_[value];
    return {first, std::size_t{first->followers} + 1};
  }
  std::size_t sample_count() const noexcept { return samples_.size(); }

  /// In octets.
  std::size_t memory() const noexcept {
    return ranges_.memory() + samples_.capacity() * sizeof(LatencySample);
  }

 private:
  friend class LatencyMapBuilder;

  RangeMap ranges_;
  base::BigVector<LatencySample> samples_;
};

/// Collects the rows of a LatencyMap. Not thread-safe.
class LatencyMapBuilder {
 public:
  /// `samples` is how many there will be.
  void reserve(std::size_t samples) { samples_.reserve(samples); }
  /// `samples` holds in `network`, but not in smaller ones that are added too. There must be one.
  void add(const base::AddressPrefix& network, std::span<const LatencySample> samples);

  LatencyMap build() &&;

 private:
  RangeMapBuilder ranges_;
  base::BigVector<LatencySample> samples_;
};

}  // namespace gslb::routing
