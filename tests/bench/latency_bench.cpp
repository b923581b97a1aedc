// What the latency map costs with a million client networks, each with the latencies of three
// endpoints: memory, the time to make it and to write it, and nanoseconds for each lookup. It must
// stay under 200 MB and, for clients as they come, under 100 ns. Where every query comes from
// another network, a lookup waits for memory twice; memory_access tells what one wait costs here.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/big_allocator.h"
#include "routing/latency_db.h"
#include "routing/latency_rows.h"
#include "routing/latency_store.h"

namespace {

using namespace gslb;

constexpr std::size_t kNetworks = 1'000'000;
constexpr std::uint16_t kEndpoints = 3;
constexpr std::size_t kQuestions = std::size_t{1} << 20U;
constexpr routing::LatencyStore::Time kNow = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

template <class Random>
base::IpAddress random_v4(Random& random) {
  const auto bits = static_cast<std::uint32_t>(random());
  return base::IpAddress::v4(
      {static_cast<std::uint8_t>(1 + (bits >> 24U) % 223), static_cast<std::uint8_t>(bits >> 16U),
       static_cast<std::uint8_t>(bits >> 8U), static_cast<std::uint8_t>(bits)});
}

template <class Random>
base::IpAddress random_v6(Random& random) {
  const auto octet = [&] { return static_cast<std::uint8_t>(random()); };
  return base::IpAddress::v6({0x20, octet(), octet(), octet(), octet(), octet()});
}

/// Networks of random clients, so that few of them are neighbours, which takes the most memory.
template <class Make>
routing::LatencyCells make_cells(const Make& make) {
  std::mt19937_64 random(1);
  std::vector<routing::LatencyKey> networks;
  while (networks.size() < kNetworks) {
    while (networks.size() < kNetworks) {
      networks.push_back(routing::latency_key(make(random), 0));
    }
    std::sort(networks.begin(), networks.end());
    networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
  }
  routing::LatencyCells cells;
  cells.reserve(kNetworks * kEndpoints);
  const auto now = static_cast<std::uint32_t>(kNow.time_since_epoch().count());
  for (const routing::LatencyKey network : networks) {
    for (std::uint16_t column = 0; column < kEndpoints; ++column) {
      const auto rtt_us = static_cast<std::uint32_t>(random() % 200'000);
      cells.push_back({routing::with_column(network, column), rtt_us, now});
    }
  }
  return cells;
}

/// How the networks of clients follow each other.
enum class Clients {
  kAllDifferent,  ///< Nearly every query comes from another of all networks.
  kAsTheyCome,    ///< Zipf: the n-th busiest network asks 1/n as often as the busiest.
};

/// The addresses that ask, in their order.
template <class Make>
std::vector<base::IpAddress> make_questions(Clients clients, const Make& make) {
  std::mt19937_64 random(2);
  std::vector<base::IpAddress> questions;
  for (std::size_t i = 0; i < kQuestions; ++i) questions.push_back(make(random));
  if (clients == Clients::kAllDifferent) return questions;
  // Ranks whose logarithms are evenly spread follow Zipf's law.
  std::uniform_real_distribution<double> logarithm(0, std::log(static_cast<double>(kQuestions)));
  std::vector<base::IpAddress> drawn;
  for (std::size_t i = 0; i < kQuestions; ++i) {
    drawn.push_back(questions[static_cast<std::size_t>(std::exp(logarithm(random))) - 1]);
  }
  return drawn;
}

template <class Make>
void run_lookups(benchmark::State& state, Clients clients, const Make& make) {
  routing::LatencyStore store;
  store.restore(make_cells(make));
  const auto map = std::make_unique<routing::LatencyMap>(store.make_map(kNow));
  const std::vector<base::IpAddress> questions = make_questions(clients, make);
  std::size_t at = 0;
  for (auto _ : state) {
    const auto row = map->row(map->ranges().find(questions[at]).value);
    benchmark::DoNotOptimize(row.empty() ? 0 : row.front().rtt_us);
    at = (at + 1) % kQuestions;
  }
  state.counters["map_MB"] = static_cast<double>(map->memory()) / 1e6;
  state.counters["store_MB"] =
      static_cast<double>(store.cells()->capacity() * sizeof(routing::LatencyCell)) / 1e6;
  state.counters["samples"] = static_cast<double>(map->sample_count());
}

void lookup_v4(benchmark::State& state, Clients clients) {
  run_lookups(state, clients, [](auto& random) { return random_v4(random); });
}
void lookup_v6(benchmark::State& state, Clients clients) {
  run_lookups(state, clients, [](auto& random) { return random_v6(random); });
}

/// One read of a random cache line out of as much memory as the map has, the place of each
/// depending on the one before.
void memory_access(benchmark::State& state) {
  struct alignas(64) Line {
    std::uint32_t next = 0;
  };
  std::vector<std::uint32_t> order(std::size_t{40'000'000} / sizeof(Line));
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  base::BigVector<Line> lines(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    lines[order[i]].next = order[(i + 1) % order.size()];
  }
  std::uint32_t at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(at = lines[at].next);
}

/// Megabytes that the process had at most, or has now.
double resident_mb(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == key && status >> kilobytes) return kilobytes * 1024 / 1e6;
  }
  return 0;
}

void make_map(benchmark::State& state) {
  routing::LatencyStore store;
  store.restore(make_cells([](auto& random) { return random_v4(random); }));
  std::unique_ptr<routing::LatencyMap> map;
  for (auto _ : state) map = std::make_unique<routing::LatencyMap>(store.make_map(kNow));
  state.counters["resident_MB"] = resident_mb("VmRSS:");
  state.counters["peak_MB"] = resident_mb("VmHWM:");
}

void write_db(benchmark::State& state) {
  const auto cells = make_cells([](auto& random) { return random_v4(random); });
  const std::vector<std::string> names{"london", "paris", "tokyo"};
  std::size_t size = 0;
  for (auto _ : state) {
    routing::LatencyDbWriter writer(names, cells);
    size = 0;
    for (auto piece = writer.next(); !piece.empty(); piece = writer.next()) size += piece.size();
  }
  state.counters["file_MB"] = static_cast<double>(size) / 1e6;
}

void add(benchmark::State& state) {
  routing::LatencyStore store;
  store.restore(make_cells([](auto& random) { return random_v4(random); }));
  std::mt19937_64 random(3);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        store.add(random_v4(random), 0, std::chrono::microseconds{12'000}, kNow));
  }
}

BENCHMARK(make_map)->Unit(benchmark::kMillisecond)->Iterations(5);
BENCHMARK_CAPTURE(lookup_v4, as_they_come, Clients::kAsTheyCome);
BENCHMARK_CAPTURE(lookup_v6, as_they_come, Clients::kAsTheyCome);
BENCHMARK_CAPTURE(lookup_v4, all_different, Clients::kAllDifferent);
BENCHMARK_CAPTURE(lookup_v6, all_different, Clients::kAllDifferent);
BENCHMARK(memory_access);
BENCHMARK(write_db)->Unit(benchmark::kMillisecond)->Iterations(5);
BENCHMARK(add)->Iterations(400'000);

}  // namespace

BENCHMARK_MAIN();
