// What one answer costs in the process: nanoseconds, and allocations, which must be none.

#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

#include "dns/answer.h"
#include "dns/wire.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/test_snapshot.h"

namespace {

using namespace gslb;

enum class Signing { kNone, kSigned };

std::shared_ptr<const zones::Snapshot> make_snapshot(Signing signing) {
  support::SnapshotMaker maker;
  if (signing == Signing::kSigned) {
    maker.zone().signing = support::make_signing(maker.zone().apex, maker.signing_time().now);
  }
  const auto london = maker.endpoint("london", {"203.0.113.10"});
  const auto paris = maker.endpoint("paris", {"203.0.113.20"});
  const auto newyork = maker.endpoint("newyork", {"203.0.113.30"});
  maker.profile("weighted.gslb.example.com", routing::Method::kWeighted,
                {{london, 70, 1}, {paris, 20, 2}, {newyork, 10, 3}});
  maker.profile("priority.gslb.example.com", routing::Method::kPriority,
                {{london, 1, 1}, {paris, 1, 2}, {newyork, 1, 3}});
  return maker.snapshot();
}

/// A client asks a signed zone for its signatures, as validating resolvers do.
void run(benchmark::State& state, const char* owner, std::uint16_t type,
         Signing signing = Signing::kNone) {
  const auto snapshot = make_snapshot(signing);
  std::vector<std::uint8_t> query = support::make_query(owner, type, dns::kEdnsUdpSize);
  if (signing == Signing::kSigned) query = support::with_dnssec_ok(std::move(query));
  std::array<std::uint8_t, dns::kEdnsUdpSize> out;
  dns::Scratch scratch(1);
  const dns::Client client{support::ip("192.0.2.1"), dns::Transport::kUdp};

  const std::uint64_t before = support::allocation_count();
  for (auto _ : state) {
    benchmark::DoNotOptimize(dns::answer(*snapshot, client, query, out, scratch));
    benchmark::ClobberMemory();
  }
  state.counters["allocations"] = static_cast<double>(support::allocation_count() - before);
}

}  // namespace

BENCHMARK_CAPTURE(run, static_a, "ns1.gslb.example.com", dns::type::kA);
BENCHMARK_CAPTURE(run, weighted, "weighted.gslb.example.com", dns::type::kA);
BENCHMARK_CAPTURE(run, priority, "priority.gslb.example.com", dns::type::kA);
BENCHMARK_CAPTURE(run, nodata, "weighted.gslb.example.com", dns::type::kAaaa);
BENCHMARK_CAPTURE(run, nxdomain, "nothing.gslb.example.com", dns::type::kA);
BENCHMARK_CAPTURE(run, refused, "www.example.net", dns::type::kA);

BENCHMARK_CAPTURE(run, signed_a, "ns1.gslb.example.com", dns::type::kA, Signing::kSigned);
BENCHMARK_CAPTURE(run, signed_weighted, "weighted.gslb.example.com", dns::type::kA,
                  Signing::kSigned);
BENCHMARK_CAPTURE(run, signed_nodata, "ns1.gslb.example.com", dns::type::kMx, Signing::kSigned);
/// Two NSEC records prove it: no such name, no wildcard.
BENCHMARK_CAPTURE(run, signed_nxdomain, "staging.gslb.example.com", dns::type::kA,
                  Signing::kSigned);

BENCHMARK_MAIN();
