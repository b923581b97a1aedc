#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/address_prefix.h"
#include "health/clock.h"
#include "routing/latency_columns.h"
#include "routing/latency_store.h"

namespace gslb::app {

/// So many measurements may come at once.
inline constexpr std::size_t kMaxMeasurements = 10'000;

/// One round-trip time between a client and an endpoint, as a client or a site reports it.
struct Measurement {
  base::IpAddress client;
  std::string endpoint;
  std::chrono::microseconds rtt{0};

  bool operator==(const Measurement&) const = default;
};

/// What became of a batch of measurements.
struct IngestResult {
  struct Rejection {
    std::size_t index = 0;
    std::string reason;

    bool operator==(const Rejection&) const = default;
  };

  std::size_t accepted = 0;
  std::vector<Rejection> rejected;

  bool operator==(const IngestResult&) const = default;
};

/// A known latency, for people.
struct LatencyRow {
  base::AddressPrefix network;
  std::string endpoint;
  std::chrono::microseconds rtt{0};
  bool is_measured = false;     ///< Otherwise a line of the file.
  std::chrono::seconds age{0};  ///< Of the latest measurement.

  bool operator==(const LatencyRow&) const = default;
};

struct LatencyFilter {
  std::optional<base::AddressPrefix> network;  ///< Networks that overlap with it.
  std::optional<std::string> endpoint;
  std::size_t limit = 10'000;  ///< Rows.
};

/// Runs `work` on another thread, then `done` on that of the caller, unless the caller has been
/// stopped meanwhile.
using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;

/// Takes measurements, makes a latency map of them and of the latency file at most once in a
/// second, and keeps the measurements in `state_dir`, written at most once in a minute and when it
/// stops. Disks and large maps are waited for on other threads.
///
/// One thread, that of the clock. Not copied or moved.
class LatencyService {
 public:
  using OnMap = std::function<void(std::shared_ptr<const routing::LatencyMap>)>;

  /// The references must outlive it.
  LatencyService(health::Clock& clock, routing::LatencyColumns& columns, Offload offload,
                 OnMap on_map);
  LatencyService(const LatencyService&) = delete;
  LatencyService& operator=(const LatencyService&) = delete;

  /// Reads what an earlier run has kept and makes the first map before it returns.
  void start(const Config& config);

  /// Takes over another configuration. Its map comes later.
  void apply(const Config& config);

  /// Writes what is not yet written. No work may be under way on other threads.
  void stop();

  /// Never waits. `measurements` beyond kMaxMeasurements are rejected.
  IngestResult ingest(std::span<const Measurement> measurements);

  /// The measured rows by network and endpoint, then those of the file.
  std::vector<LatencyRow> show(const LatencyFilter& filter) const;

 private:
  void configure(const Config& config);
  routing::LatencyStore::Time now() const;
  std::string reject_reason(const Measurement& measurement) const;

  void load();
  void touch();
  void begin_merge();
  void finish_merge(const routing::LatencyMerged& merged);
  void await_ageing();
  void schedule_save();
  void begin_save();
  void finish_save(const std::string& error);
  std::function<std::string()> make_save() const;
  void add_filed_rows(const LatencyFilter& filter, std::vector<LatencyRow>& rows) const;

  health::Clock& clock_;
  routing::LatencyColumns& columns_;
  Offload offload_;
  OnMap on_map_;
  routing::LatencyStore store_;
  std::map<std::string, routing::LatencyColumn, std::less<>> endpoints_;  ///< Configured ones.
  std::vector<std::string> endpoint_names_;  ///< By position in the configuration.
  std::filesystem::path state_dir_;

  /// The wall clock may jump, so it is read once.
  health::WallTime started_wall_;
  health::SteadyTime started_;

  std::unique_ptr<health::Pending> merge_timer_;
  std::unique_ptr<health::Pending> age_timer_;
  std::unique_ptr<health::Pending> save_timer_;
  health::SteadyTime last_merge_;
  health::SteadyTime last_save_;
  bool is_changed_ = false;  ///< Since the last merge began.
  bool is_merging_ = false;
  bool is_unsaved_ = false;
  bool is_saving_ = false;
  std::string save_error_;
};

}  // namespace gslb::app
