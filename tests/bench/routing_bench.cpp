// What choosing by client costs: nanoseconds and allocations for an answer, time and memory for
// compiling, microseconds for a health change.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "dns/answer.h"
#include "dns/wire.h"
#include "routing/geo_database.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/test_snapshot.h"

namespace {

using namespace gslb;
using routing::EndpointId;
using routing::Method;
using routing::ProfileEndpointSpec;

constexpr unsigned kQueries = 4096;
constexpr std::uint32_t kMeasuredNetworks = 1'000'000;

ProfileEndpointSpec entry(EndpointId endpoint, unsigned weight = 1) {
  ProfileEndpointSpec spec;
  spec.endpoint = endpoint;
  spec.weight = weight;
  return spec;
}

/// Latencies of three endpoints from a million /24 networks.
std::shared_ptr<const routing::LatencyMap> make_latency() {
  routing::LatencyMapBuilder map;
  std::mt19937 random(4);
  for (std::uint32_t row = 0; row < kMeasuredNetworks; ++row) {
    const std::uint32_t network = row * 13 + 0x10000;  // Of 24 bits.
    std::vector<routing::LatencySample> samples;
    std::uint32_t rtt_us = 1000;
    for (routing::LatencyColumn i = 0; i < 3; ++i) {
      samples.emplace_back(static_cast<routing::LatencyColumn>((i + row) % 3),
                           rtt_us += static_cast<std::uint32_t>(random() % 50'000));
    }
    map.add({base::IpAddress::v4({static_cast<std::uint8_t>(network >> 16),
                                  static_cast<std::uint8_t>(network >> 8),
                                  static_cast<std::uint8_t>(network), 0}),
             24},
            samples);
  }
  return std::make_shared<const routing::LatencyMap>(std::move(map).build());
}

/// One snapshot for all: profiles by every way to choose, over the shipped geo database.
std::shared_ptr<const zones::Snapshot> make_snapshot() {
  support::SnapshotMaker maker;
  const routing::GeoPoint places[] = {{51.5, -0.1}, {48.9, 2.4}, {40.7, -74.0}};
  std::vector<ProfileEndpointSpec> entries;
  for (unsigned i = 0; i < 3; ++i) {
    const EndpointId id =
        maker.endpoint("site" + std::to_string(i), {"203.0.113." + std::to_string(10 + i)});
    maker.endpoint_spec(id).point = places[i];
    entries.push_back(entry(id, 10 + i));
  }
  maker.profile("weighted.gslb.example.com", Method::kWeighted, entries);
  maker.profile("sticky.gslb.example.com", Method::kWeighted, entries).sticky = routing::Sticky{};
  auto geographic = entries;
  geographic[0].regions = {"GB", "GEO-EU"};
  geographic[1].regions = {"FR", "GEO-AS"};
  geographic[2].regions = {"US", "WORLD"};
  maker.profile("geographic.gslb.example.com", Method::kGeographic, geographic);
  maker.profile("performance.gslb.example.com", Method::kPerformance, entries);
  // Five levels: geographic, then priority three times, then weighted.
  for (unsigned level = 0; level < 5; ++level) {
    const bool is_last = level == 4;
    auto inner = is_last ? entries : geographic;
    if (!is_last) {
      for (ProfileEndpointSpec& spec : inner) {
        if (level > 0) spec.regions.clear();
      }
      inner[0].nested = static_cast<routing::ProfileId>(maker.profiles().size() + 1);
      if (level == 0) inner[0].regions = {"WORLD"};
      if (level == 0) inner[2].regions = {"AQ"};
    }
    const Method method =
        level == 0 ? Method::kGeographic : (is_last ? Method::kWeighted : Method::kPriority);
    for (unsigned i = 0; i < inner.size(); ++i) inner[i].priority = i + 1;
    maker.profile("nested" + std::to_string(level) + ".gslb.example.com", method, inner);
  }
  const auto database = routing::load_geo_database(GSLB_SOURCE_DIR "/data/geo/country.mmdb");
  if (!database) std::abort();
  maker.set_locations(routing::make_location_map(database->get(), {}));
  maker.set_latency(make_latency());
  return maker.snapshot();
}

/// With EDNS Client Subnet of 24 bits.
std::vector<std::uint8_t> make_ecs_query(const char* owner, std::uint32_t network) {
  auto query = support::make_query(owner, dns::type::kA, dns::kEdnsUdpSize);
  const std::array<std::uint8_t, 11> option{0,
                                            8,
                                            0,
                                            7,
                                            0,
                                            1,
                                            24,
                                            0,
                                            static_cast<std::uint8_t>(1 + (network >> 16) % 223),
                                            static_cast<std::uint8_t>(network >> 8),
                                            static_cast<std::uint8_t>(network)};
  query[query.size() - 1] = option.size();
  query.insert(query.end(), option.begin(), option.end());
  return query;
}

void run(benchmark::State& state, const char* owner, bool with_ecs) {
  static const auto snapshot = make_snapshot();
  std::mt19937 random(2026);
  std::vector<std::vector<std::uint8_t>> queries;
  for (unsigned i = 0; i < kQueries; ++i) {
    queries.push_back(with_ecs ? make_ecs_query(owner, random() & 0xffffff)
                               : support::make_query(owner, dns::type::kA, dns::kEdnsUdpSize));
  }
  std::array<std::uint8_t, dns::kEdnsUdpSize> out;
  dns::Scratch scratch(1);
  const dns::Client client{support::ip("192.0.2.1"), dns::Transport::kUdp};
  unsigned next = 0;
  const std::uint64_t before = support::allocation_count();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        dns::answer(*snapshot, client, queries[next++ % kQueries], out, scratch));
    benchmark::ClobberMemory();
  }
  state.counters["allocations"] = static_cast<double>(support::allocation_count() - before);
}

/// So many profiles with ten endpoints each, all different.
class ManyProfiles {
 public:
  static constexpr unsigned kEndpoints = 10;

  ManyProfiles(unsigned profiles, Method method) {
    std::vector<zones::ProfileName> names;
    for (unsigned p = 0; p < profiles; ++p) {
      routing::ProfileSpec profile;
      profile.name = "p" + std::to_string(p);
      profile.owner = support::name(profile.name + ".gslb.example.com");
      profile.method = method;
      for (unsigned e = 0; e < kEndpoints; ++e) {
        const auto id = static_cast<EndpointId>(endpoints_.size());
        routing::EndpointSpec endpoint;
        endpoint.name = "e" + std::to_string(id);
        endpoint.ipv4 = {base::IpAddress::v4({10, static_cast<std::uint8_t>(id >> 16),
                                              static_cast<std::uint8_t>(id >> 8),
                                              static_cast<std::uint8_t>(id)})};
        endpoint.point = routing::GeoPoint{5.0 * e, 10.0 * e};
        endpoints_.push_back(std::move(endpoint));
        profile.endpoints.push_back(entry(id, 1 + e));
      }
      names.push_back({profile.owner, p, true, false});
      profiles_.push_back(std::move(profile));
    }
    states_.assign(endpoints_.size(),
                   {base::EndpointStatus::kOnline, base::EndpointStatus::kOnline});
    zone_ = zones::make_zone(support::example_zone(), names, 1,
                             {std::make_shared<zones::SignatureCache>(), {}});
  }

  std::vector<std::shared_ptr<const zones::CompiledProfile>> compile() const {
    std::vector<std::shared_ptr<const zones::CompiledProfile>> result;
    const routing::RoutingState state{profiles_, endpoints_, states_, {}, nullptr};
    for (zones::ProfileId id = 0; id < profiles_.size(); ++id) {
      result.push_back(zones::make_compiled_profile(id, state, *zone_, {}));
    }
    return result;
  }

  std::shared_ptr<const zones::CompiledProfile> change(EndpointId endpoint) {
    base::EndpointStatus& status = states_[endpoint].ipv4;
    status = status == base::EndpointStatus::kOnline ? base::EndpointStatus::kDegraded
                                                     : base::EndpointStatus::kOnline;
    const routing::RoutingState state{profiles_, endpoints_, states_, {}, nullptr};
    return zones::make_compiled_profile(endpoint / kEndpoints, state, *zone_, {});
  }

 private:
  std::vector<routing::EndpointSpec> endpoints_;
  std::vector<routing::EndpointState> states_;
  std::vector<routing::ProfileSpec> profiles_;
  std::shared_ptr<const zones::Zone> zone_;
};

void compile_10000_profiles(benchmark::State& state, Method method) {
  const ManyProfiles many(10'000, method);
  for (auto _ : state) {
    const std::size_t before = ::mallinfo2().uordblks;
    const auto compiled = many.compile();
    state.counters["MB"] = static_cast<double>(::mallinfo2().uordblks - before) / 1e6;
    benchmark::DoNotOptimize(compiled.data());
  }
}

void health_change(benchmark::State& state, Method method) {
  ManyProfiles many(10'000, method);
  EndpointId next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(many.change(next = (next + 7919) % 100'000));
}

}  // namespace

BENCHMARK_CAPTURE(run, static_a, "ns1.gslb.example.com", false);
BENCHMARK_CAPTURE(run, static_a_with_ecs, "ns1.gslb.example.com", true);
BENCHMARK_CAPTURE(run, weighted, "weighted.gslb.example.com", false);
BENCHMARK_CAPTURE(run, sticky, "sticky.gslb.example.com", false);
BENCHMARK_CAPTURE(run, sticky_with_ecs, "sticky.gslb.example.com", true);
BENCHMARK_CAPTURE(run, geographic_with_ecs, "geographic.gslb.example.com", true);
BENCHMARK_CAPTURE(run, performance_of_a_million_networks_with_ecs, "performance.gslb.example.com",
                  true);
BENCHMARK_CAPTURE(run, five_levels_with_ecs, "nested0.gslb.example.com", true);

BENCHMARK_CAPTURE(compile_10000_profiles, weighted, Method::kWeighted)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(compile_10000_profiles, performance, Method::kPerformance)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(health_change, weighted, Method::kWeighted)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(health_change, performance, Method::kPerformance)->Unit(benchmark::kMicrosecond);

BENCHMARK_MAIN();
