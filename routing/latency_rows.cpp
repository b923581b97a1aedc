#include "routing/latency_rows.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

namespace gslb::routing {
namespace {

/// Two intervals of a RangeMap, as networks need not be neighbours, and where the row starts.
constexpr std::size_t kNetworkCost = 32;

bool is_lower_column(const LatencySample& a, const LatencySample& b) noexcept {
  return a.column < b.column;
}

/// A network and what holds in it. Borrows from the walk, until its next step.
struct Row {
  base::AddressPrefix network;
  std::span<const LatencySample> samples;  ///< By column.
  std::span<const LatencyCell> measured;   ///< Of exactly this network; perhaps none.

  std::size_t cost() const noexcept {
    return kNetworkCost + samples.size() * sizeof(LatencySample) +
           measured.size() * sizeof(LatencyCell);
  }
};

/// Steps through the networks of both sources in the order of is_before, with the networks around
/// the current one on a stack.
class Walk {
 public:
  explicit Walk(const LatencySources& sources) : left_(sources) {}

  /// False at the end.
  bool next(Row& row) {
    if (left_.measured.empty() && left_.filed.empty()) return false;
    const base::AddressPrefix network = next_network();
    while (depth_ > 0 && !stack_[depth_ - 1].network.contains(network.address)) --depth_;
    take_filed(network);
    row.measured = take_measured(network);
    push(network);
    row.network = network;
    row.samples = stack_[depth_ - 1].samples;
    return true;
  }

 private:
  struct Around {
    base::AddressPrefix network;
    std::vector<LatencySample> samples;
  };

  base::AddressPrefix next_network() const {
    if (left_.measured.empty()) return left_.filed.front().network;
    const base::AddressPrefix measured = network_of(left_.measured.front().key);
    if (left_.filed.empty()) return measured;
    const base::AddressPrefix& filed = left_.filed.front().network;
    return is_before(filed, measured) ? filed : measured;
  }

  void take_filed(const base::AddressPrefix& network) {
    own_.clear();
    while (!left_.filed.empty() && left_.filed.front().network == network) {
      const FiledLatency& filed = left_.filed.front();
      own_.push_back({left_.columns[filed.endpoint], filed.rtt_us});
      left_.filed = left_.filed.subspan(1);
    }
    std::sort(own_.begin(), own_.end(), is_lower_column);
  }

  std::span<const LatencyCell> take_measured(const base::AddressPrefix& network) {
    if (left_.measured.empty() || network_of(left_.measured.front().key) != network) return {};
    const LatencyKey key = left_.measured.front().key;
    const auto end =
        std::find_if(left_.measured.begin(), left_.measured.end(),
                     [key](const LatencyCell& cell) { return !is_same_network(cell.key, key); });
    const auto taken = left_.measured.first(static_cast<std::size_t>(end - left_.measured.begin()));
    left_.measured = left_.measured.subspan(taken.size());

    measured_.clear();
    for (const LatencyCell& cell : taken) measured_.push_back({column_of(cell.key), cell.rtt_us});
    overlay(measured_, own_, merged_);
    own_.swap(merged_);
    return taken;
  }

  /// Puts the network on the stack, with its own samples over those of the network around it.
  void push(const base::AddressPrefix& network) {
    if (stack_.size() == depth_) stack_.emplace_back();
    Around& top = stack_[depth_];
    top.network = network;
    top.samples.clear();
    if (depth_ > 0) {
      overlay(own_, stack_[depth_ - 1].samples, top.samples);
    } else {
      top.samples = own_;
    }
    ++depth_;
  }

  /// Of two samples of one column that of `upper`.
  static void overlay(const std::vector<LatencySample>& upper,
                      const std::vector<LatencySample>& lower, std::vector<LatencySample>& into) {
    into.clear();
    std::set_union(upper.begin(), upper.end(), lower.begin(), lower.end(), std::back_inserter(into),
                   is_lower_column);
  }

  LatencySources left_;
  std::vector<Around> stack_;  ///< Beyond depth_: kept for their memory.
  std::size_t depth_ = 0;
  std::vector<LatencySample> own_;
  std::vector<LatencySample> measured_;
  std::vector<LatencySample> merged_;
};

struct Candidate {
  std::uint32_t newest = 0;
  std::size_t network = 0;  ///< Its number among the measured ones.
  std::size_t cost = 0;
};

std::vector<Candidate> find_candidates(const LatencySources& sources) {
  std::vector<Candidate> candidates;
  Walk walk(sources);
  for (Row row; walk.next(row);) {
    if (row.measured.empty()) continue;
    Candidate candidate{0, candidates.size(), row.cost()};
    for (const LatencyCell& cell : row.measured) {
      candidate.newest = std::max(candidate.newest, cell.measured);
    }
    candidates.push_back(candidate);
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.newest, a.network) < std::tie(b.newest, b.network);
  });
  return candidates;
}

/// Removes the cells of the networks whose number is marked.
void remove_networks(LatencyCells& cells, const std::vector<bool>& marked) {
  std::size_t network = 0;
  std::size_t kept = 0;
  LatencyKey previous = cells.front().key;
  for (const LatencyCell& cell : cells) {
    if (!is_same_network(cell.key, previous)) ++network;
    previous = cell.key;
    if (!marked[network]) cells[kept++] = cell;
  }
  cells.resize(kept);
  cells.shrink_to_fit();
}

}  // namespace

bool is_before(const base::AddressPrefix& a, const base::AddressPrefix& b) noexcept {
  return std::tie(a.address, a.length) < std::tie(b.address, b.length);
}

LatencyMap make_latency_map(const LatencySources& sources) {
  std::size_t count = 0;
  Walk counting(sources);
  for (Row row; counting.next(row);) count += row.samples.size();

  LatencyMapBuilder map;
  map.reserve(count);
  Walk walk(sources);
  for (Row row; walk.next(row);) map.add(row.network, row.samples);
  return std::move(map).build();
}

std::size_t estimate_memory(const LatencySources& sources) {
  std::size_t memory = sources.filed.size() * sizeof(FiledLatency);
  Walk walk(sources);
  for (Row row; walk.next(row);) memory += row.cost();
  return memory;
}

std::size_t evict_oldest(LatencyCells& measured, LatencySources sources, std::size_t max_memory) {
  sources.measured = measured;
  std::size_t memory = estimate_memory(sources);
  if (memory <= max_memory || measured.empty()) return 0;
  // Some room at once: sorting all networks anew for each that comes would be dear.
  const std::size_t goal = max_memory - max_memory / 16;
  const std::vector<Candidate> candidates = find_candidates(sources);
  std::vector<bool> marked(candidates.size());
  std::size_t evicted = 0;
  for (; evicted < candidates.size() && memory > goal; ++evicted) {
    marked[candidates[evicted].network] = true;
    memory -= candidates[evicted].cost;
  }
  remove_networks(measured, marked);
  return evicted;
}

}  // namespace gslb::routing
