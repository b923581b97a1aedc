#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/address_prefix.h"
#include "base/ip_address.h"
#include "routing/latency_cell.h"
#include "routing/latency_map.h"
#include "routing/latency_rows.h"

namespace gslb::routing {

struct LatencyLimits {
  std::chrono::seconds max_age = std::chrono::hours{168};
  /// In octets, for the store, the file's lines and the map together. While a map replaces another
  /// one, about as much again is in use.
  std::size_t max_memory = 200'000'000;

  bool operator==(const LatencyLimits&) const = default;
};

/// The lines of a latency file, and the columns of the endpoints that they name.
struct FiledLatencies {
  std::shared_ptr<const std::vector<FiledLatency>> lines;  ///< Sorted as LatencySources has it.
  std::vector<LatencyColumn> columns;
};

/// What LatencyMerge makes.
struct LatencyMerged {
  std::shared_ptr<const LatencyCells> cells;
  std::shared_ptr<const LatencyMap> map;
  bool has_changes = false;          ///< The cells are not those of before.
  std::size_t evicted_networks = 0;  ///< For want of memory.
};

/// The measured latencies, by network of kMeasuredIpv4Prefix or kMeasuredIpv6Prefix bits, and
/// beside them the lines of a file. A measurement counts 1/8 in the mean of its network, as in the
/// smoothed round-trip time of TCP (V. Jacobson, "Congestion Avoidance and Control", SIGCOMM 1988;
/// RFC 6298 §2).
///
/// Built like a log-structured merge tree (O'Neil et al., Acta Informatica 33(4), 1996): values
/// that are new wait in a hash table until they are merged into the sorted rest, which never
/// changes and so can be merged, mapped and written by other threads.
///
/// Not thread-safe. Time comes in with the calls.
class LatencyStore {
 public:
  using Time = std::chrono::sys_seconds;
  using Recent = std::unordered_map<LatencyKey, LatencyCell>;

  /// Work that takes a while for many networks. run() may be called on another thread.
  struct Merge {
    std::shared_ptr<const LatencyCells> cells;
    std::shared_ptr<const Recent> recent;
    FiledLatencies filed;
    LatencyLimits limits;
    Time now;

    LatencyMerged run() const;
  };

  explicit LatencyStore(const LatencyLimits& limits = {});

  void set_limits(const LatencyLimits& limits) { limits_ = limits; }
  void set_filed(FiledLatencies filed) { filed_ = std::move(filed); }

  /// Takes over what an earlier run has kept, in any order. Only on an empty store.
  void restore(LatencyCells cells);

  /// False where too many values wait for being merged.
  bool add(const base::IpAddress& client, LatencyColumn column, std::chrono::microseconds rtt,
           Time now);

  /// Values that are added from now on wait for the next merge. A merge that was begun and not
  /// finished is given up: its values are part of this one.
  Merge begin_merge(Time now);
  void finish_merge(const LatencyMerged& merged);

  /// Both at once.
  LatencyMap make_map(Time now);

  /// The measured values of networks that overlap with `network`, or all, sorted by key: about
  /// `limit` of them.
  LatencyCells find_measured(const std::optional<base::AddressPrefix>& network,
                             const std::function<bool(LatencyColumn)>& is_wanted,
                             std::size_t limit) const;
  const FiledLatencies& filed() const noexcept { return filed_; }

  /// Of which the age is known after the last merge.
  const std::shared_ptr<const LatencyCells>& cells() const noexcept { return cells_; }
  bool has_recent() const noexcept { return !recent_->empty(); }
  std::size_t evicted_networks() const noexcept { return evicted_networks_; }

 private:
  const LatencyCell* find(LatencyKey key) const;

  LatencyLimits limits_;
  FiledLatencies filed_;
  std::shared_ptr<const LatencyCells> cells_;
  std::shared_ptr<const Recent> merging_;
  std::shared_ptr<Recent> recent_;
  std::size_t evicted_networks_ = 0;
};

}  // namespace gslb::routing
