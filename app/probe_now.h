#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "health/prober.h"

namespace gslb::app {

/// What a probe on demand found.
struct ProbeRecord {
  std::shared_ptr<const health::MonitorSpec> monitor;
  base::IpAddress address;
  health::ProbeResult result;
};

/// Probes on demand, which have no effect on statuses. One thread, that of `prober`, which must
/// outlive it.
class ProbesNow {
 public:
  using Monitors = std::vector<std::shared_ptr<const health::MonitorSpec>>;
  using Done = std::function<void(const std::vector<ProbeRecord>&)>;

  explicit ProbesNow(health::Prober& prober) : prober_(prober) {}
  ProbesNow(const ProbesNow&) = delete;
  ProbesNow& operator=(const ProbesNow&) = delete;
  ~ProbesNow() { stop(); }

  /// Each monitor at each address, all side by side. `done` is called once, after this function
  /// has returned unless there is nothing to probe, and not after stop().
  void run(const Monitors& monitors, const std::vector<base::IpAddress>& addresses, Done done);

  void stop() { runs_.clear(); }

 private:
  struct Run {
    std::vector<ProbeRecord> records;
    std::vector<std::unique_ptr<health::Pending>> pending;
    std::size_t missing = 0;
    Done done;
  };

  void finish(std::list<Run>::iterator run, std::size_t index, const health::ProbeResult& result);

  health::Prober& prober_;
  std::list<Run> runs_;
};

/// `{"endpoint": …, "passed": true, "probes": […]}`
std::string probes_to_json(const std::string& endpoint, const std::vector<ProbeRecord>& records);

}  // namespace gslb::app
