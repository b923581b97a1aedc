#include "app/probe_now.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "app/health_json.h"
#include "health/reason.h"

namespace gslb::app {

namespace json = boost::json;

void ProbesNow::run(const Monitors& monitors, const std::vector<base::IpAddress>& addresses,
                    Done done) {
  const auto run = runs_.insert(runs_.end(), Run{});
  run->done = std::move(done);
  for (const auto& address : addresses) {
    for (const auto& monitor : monitors) run->records.push_back({monitor, address, {}});
  }
  run->missing = run->records.size();
  if (run->missing == 0) {
    const Run own = std::move(*run);
    runs_.erase(run);
    return own.done({});
  }
  for (std::size_t i = 0; i < run->records.size(); ++i) {
    const ProbeRecord& record = run->records[i];
    run->pending.push_back(prober_.start(
        record.monitor, record.address,
        [this, run, i](const health::ProbeResult& result) { finish(run, i, result); }));
  }
}

void ProbesNow::finish(std::list<Run>::iterator run, std::size_t index,
                       const health::ProbeResult& result) {
  run->records[index].result = result;
  if (--run->missing > 0) return;
  // Kept to the end: the callback that is running belongs to it.
  std::list<Run> own;
  own.splice(own.end(), runs_, run);
  run->done(run->records);
}

std::string probes_to_json(const std::string& endpoint, const std::vector<ProbeRecord>& records) {
  json::array probes;
  for (const ProbeRecord& record : records) {
    json::array steps;
    for (const health::ProbeStep& step : record.result.steps) {
      steps.push_back({{"what", step.what}, {"after_ms", milliseconds_of(step.after)}});
    }
    probes.push_back({{"monitor", record.monitor->name},
                      {"address", base::to_string(record.address)},
                      {"place", health::format_place(*record.monitor, record.address)},
                      {"outcome", outcome_name(record.result.outcome)},
                      {"detail", record.result.detail},
                      {"elapsed_ms", milliseconds_of(record.result.elapsed)},
                      {"steps", std::move(steps)},
                      {"certificate", to_json(record.result.certificate.get())}});
  }
  const bool passed = !records.empty() && std::ranges::all_of(records, [](const auto& record) {
    return record.result.success();
  });
  return json::serialize(
      json::object{{"endpoint", endpoint}, {"passed", passed}, {"probes", std::move(probes)}});
}

}  // namespace gslb::app
