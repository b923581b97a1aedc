// What a signed zone costs when it is loaded and when the health of a site changes: milliseconds to
// compile and sign a profile of 1,000 endpoints, and how many signatures that takes. A change must
// be served within 100 ms; only what was never served before is signed for it.

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_snapshot.h"
#include "zones/snapshot.h"

namespace {

using namespace gslb;
using base::EndpointStatus;

constexpr std::uint32_t kEndpoints = 1000;
constexpr zones::ProfileId kProfile = 0;
constexpr std::chrono::sys_seconds kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24};

/// A signed zone with one profile, all endpoints of which are in use.
class SignedProfile {
 public:
  explicit SignedProfile(routing::Method method) : states_(kEndpoints) {
    zone_spec_.signing = support::make_signing(zone_spec_.apex, kNow);
    profile_.name = "vpn";
    profile_.owner = support::name("vpn.gslb.example.com");
    profile_.method = method;
    for (std::uint32_t i = 0; i < kEndpoints; ++i) {
      routing::EndpointSpec endpoint;
      endpoint.name = "site" + std::to_string(i);
      endpoint.ipv4 = {
          support::ip("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256))};
      endpoints_.push_back(std::move(endpoint));
      profile_.endpoints.push_back({i, 1, i + 1});
    }
    forget_signatures();
  }

  void forget_signatures() {
    cache_ = std::make_shared<zones::SignatureCache>();
    const std::vector<zones::ProfileName> names{{profile_.owner, kProfile}};
    zone_ = zones::make_zone(zone_spec_, names, 1, {cache_, kNow});
  }

  void set_status(routing::EndpointId endpoint, EndpointStatus status) {
    states_[endpoint] = {status, status};
  }

  std::shared_ptr<const zones::CompiledProfile> compile() const {
    const routing::RoutingState state{{&profile_, 1}, endpoints_, states_, {}, nullptr};
    return zones::make_compiled_profile(kProfile, state, *zone_, kNow);
  }

  std::size_t signatures() const { return cache_->size(); }

 private:
  zones::ZoneSpec zone_spec_ = support::example_zone();
  routing::ProfileSpec profile_;
  std::vector<routing::EndpointSpec> endpoints_;
  std::vector<routing::EndpointState> states_;
  std::shared_ptr<zones::SignatureCache> cache_;
  std::shared_ptr<const zones::Zone> zone_;
};

/// For each iteration.
void report_signatures(benchmark::State& state, std::size_t signatures) {
  state.counters["signatures"] =
      benchmark::Counter(static_cast<double>(signatures), benchmark::Counter::kAvgIterations);
}

/// At the start: no signature is known.
void cold(benchmark::State& state, routing::Method method) {
  SignedProfile profile(method);
  std::size_t signatures = 0;
  for (auto _ : state) {
    state.PauseTiming();
    profile.forget_signatures();
    const std::size_t before = profile.signatures();
    state.ResumeTiming();
    benchmark::DoNotOptimize(profile.compile());
    signatures += profile.signatures() - before;
  }
  report_signatures(state, signatures);
}

/// One endpoint after the other fails, and all come back.
void health_change(benchmark::State& state, routing::Method method) {
  SignedProfile profile(method);
  profile.compile();
  const std::size_t before = profile.signatures();
  std::uint32_t next = 0;
  bool down = true;
  for (auto _ : state) {
    profile.set_status(next, down ? EndpointStatus::kDegraded : EndpointStatus::kOnline);
    benchmark::DoNotOptimize(profile.compile());
    next = (next + 1) % kEndpoints;
    if (next == 0) down = !down;
  }
  report_signatures(state, profile.signatures() - before);
}

}  // namespace

BENCHMARK_CAPTURE(cold, weighted, routing::Method::kWeighted)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(health_change, weighted, routing::Method::kWeighted)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(health_change, priority, routing::Method::kPriority)
    ->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
