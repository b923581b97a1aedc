#include "app/latency_service.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/address_range.h"
#include "base/atomic_file.h"
#include "base/file.h"
#include "routing/latency_db.h"

namespace gslb::app {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kMergePause = 1s;
constexpr std::chrono::seconds kSavePause = 60s;
constexpr std::chrono::microseconds kMaxRtt = 60s;
constexpr std::size_t kMaxDbSize = std::size_t{4} << 30U;
constexpr const char* kDbName = "latency.db";

/// Connections of IPv4 clients to a socket for both families come with addresses in IPv6 form (RFC
/// 4291 §2.5.5.2).
base::IpAddress unmapped(const base::IpAddress& address) {
  constexpr std::size_t kPrefix = 12;
  if (address.is_v4()) return address;
  const auto bytes = address.bytes();
  const bool is_mapped = std::all_of(bytes.begin(), bytes.begin() + 10,
                                     [](std::uint8_t octet) { return octet == 0; }) &&
                         bytes[10] == 0xff && bytes[11] == 0xff;
  if (!is_mapped) return address;
  return base::IpAddress::v4(
      {bytes[kPrefix], bytes[kPrefix + 1], bytes[kPrefix + 2], bytes[kPrefix + 3]});
}

/// No client can have it: unspecified, multicast, or reserved for the future (RFC 1112 §4).
bool is_no_client(const base::IpAddress& address) {
  const auto bytes = address.bytes();
  if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t octet) { return octet == 0; })) {
    return true;
  }
  return address.is_v4() ? bytes[0] >= 224 : bytes[0] == 0xff;
}

/// Empty where it is on the disk.
std::string write_db(const std::filesystem::path& folder, const std::vector<std::string>& endpoints,
                     const routing::LatencyCells& cells) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return problem.message();
  auto file = base::AtomicFile::make(folder / kDbName);
  if (!file) return file.error();
  routing::LatencyDbWriter writer(endpoints, cells);
  for (std::string_view piece = writer.next(); !piece.empty(); piece = writer.next()) {
    if (const auto written = file->write(piece); !written) return written.error();
  }
  const auto done = file->commit();
  return done ? "" : done.error();
}

bool overlap(const base::AddressPrefix& a, const base::AddressPrefix& b) {
  return a.length <= b.length ? a.contains(b.address) : b.contains(a.address);
}

}  // namespace

LatencyService::LatencyService(health::Clock& clock, routing::LatencyColumns& columns,
                               Offload offload, OnMap on_map)
    : clock_(clock),
      columns_(columns),
      offload_(std::move(offload)),
      on_map_(std::move(on_map)),
      started_wall_(clock.wall_now()),
      started_(clock.now()),
      last_merge_(started_ - kMergePause),
      last_save_(started_ - kSavePause) {}

void LatencyService::start(const Config& config) {
  configure(config);
  load();
  const routing::LatencyMerged merged = store_.begin_merge(now()).run();
  finish_merge(merged);
  await_ageing();
}

void LatencyService::apply(const Config& config) {
  configure(config);
  touch();
}

void LatencyService::configure(const Config& config) {
  std::vector<routing::LatencyColumn> columns;
  endpoints_.clear();
  endpoint_names_.clear();
  for (const EndpointConfig& endpoint : config.endpoints) {
    const std::string& name = endpoint.routing.name;
    columns.push_back(columns_.column(name));
    endpoints_.emplace(name, columns.back());
    endpoint_names_.push_back(name);
  }
  store_.set_limits(config.latency.limits);
  store_.set_filed({config.latency.lines, std::move(columns)});
  if (state_dir_ != config.server.state_dir) {
    state_dir_ = config.server.state_dir;
    is_unsaved_ = !store_.cells()->empty();
    schedule_save();
  }
}

routing::LatencyStore::Time LatencyService::now() const {
  const auto passed =
      std::chrono::duration_cast<health::WallTime::duration>(clock_.now() - started_);
  return std::chrono::floor<std::chrono::seconds>(started_wall_ + passed);
}

std::string LatencyService::reject_reason(const Measurement& measurement) const {
  if (is_no_client(measurement.client)) return "the client address is none that a client can have";
  if (measurement.rtt < 0us || measurement.rtt > kMaxRtt) {
    return "the round-trip time is not within 0 to 60000 ms";
  }
  if (!endpoints_.contains(measurement.endpoint)) return "no endpoint of this name is defined";
  return {};
}

IngestResult LatencyService::ingest(std::span<const Measurement> measurements) {
  IngestResult result;
  for (std::size_t i = 0; i < measurements.size(); ++i) {
    const Measurement& measurement = measurements[i];
    std::string reason = i < kMaxMeasurements ? reject_reason(measurement)
                                              : "more than 10000 at once; send several batches";
    if (reason.empty() &&
        !store_.add(unmapped(measurement.client), endpoints_.find(measurement.endpoint)->second,
                    measurement.rtt, now())) {
      reason = "too many in a short time; send it again in a few seconds";
    }
    if (reason.empty()) {
      ++result.accepted;
    } else {
      result.rejected.push_back({i, std::move(reason)});
    }
  }
  if (result.accepted > 0) touch();
  return result;
}

void LatencyService::touch() {
  is_changed_ = true;
  if (is_merging_ || merge_timer_) return;
  merge_timer_ = clock_.call_at(last_merge_ + kMergePause, [this] {
    merge_timer_ = nullptr;
    begin_merge();
  });
}

void LatencyService::begin_merge() {
  is_changed_ = false;
  is_merging_ = true;
  last_merge_ = clock_.now();
  const auto merged = std::make_shared<routing::LatencyMerged>();
  offload_([merged, merge = store_.begin_merge(now())] { *merged = merge.run(); },
           [this, merged] {
             is_merging_ = false;
             finish_merge(*merged);
             if (is_changed_) touch();
           });
}

void LatencyService::finish_merge(const routing::LatencyMerged& merged) {
  if (merged.has_changes) is_unsaved_ = true;
  store_.finish_merge(merged);
  if (merged.evicted_networks > 0) {
    spdlog::warn(
        "latency: {} client networks forgotten for want of memory; raise latency.max_memory_mb",
        merged.evicted_networks);
  }
  on_map_(merged.map);
  schedule_save();
}

/// Without new measurements nothing else would find out which have become too old.
void LatencyService::await_ageing() {
  age_timer_ = clock_.call_at(clock_.now() + 10min, [this] {
    if (!store_.cells()->empty()) touch();
    await_ageing();
  });
}

void LatencyService::load() {
  if (state_dir_.empty()) return;
  std::error_code problem;
  std::filesystem::create_directories(state_dir_, problem);
  if (problem || ::access(state_dir_.c_str(), W_OK) != 0) {
    save_error_ = problem ? problem.message() : base::errno_text();
    spdlog::warn("server.state_dir {} cannot be written, so nothing survives a restart: {}",
                 state_dir_.string(), save_error_);
  }
  const std::filesystem::path file = state_dir_ / kDbName;
  if (!std::filesystem::exists(file, problem)) return;
  const auto content = base::read_file(file, kMaxDbSize, "the file is larger than 4 GiB");
  auto db = content ? routing::parse_latency_db(content->text)
                    : tl::unexpected<std::string>(content.error());
  if (!db) {
    const std::filesystem::path aside = file.string() + ".damaged";
    std::filesystem::rename(file, aside, problem);
    spdlog::warn("{} is left out: {}; {}", file.string(), db.error(),
                 problem ? "it stays where it is" : "it is now " + aside.string());
    return;
  }
  std::vector<routing::LatencyColumn> columns;
  for (const std::string& name : db->endpoints) columns.push_back(columns_.column(name));
  std::erase_if(db->cells, [&](routing::LatencyCell& cell) {
    const routing::LatencyColumn column = columns[routing::column_of(cell.key)];
    if (column == routing::kNoLatencyColumn) return true;
    cell.key = routing::with_column(cell.key, column);
    return false;
  });
  spdlog::info("latency: {} measured values read from {}", db->cells.size(), file.string());
  store_.restore(std::move(db->cells));
}

void LatencyService::schedule_save() {
  if (!is_unsaved_ || is_saving_ || save_timer_ || state_dir_.empty()) return;
  save_timer_ = clock_.call_at(last_save_ + kSavePause, [this] {
    save_timer_ = nullptr;
    begin_save();
  });
}

std::function<std::string()> LatencyService::make_save() const {
  return [folder = state_dir_, names = columns_.names(), cells = store_.cells()] {
    return write_db(folder, names, *cells);
  };
}

void LatencyService::begin_save() {
  if (state_dir_.empty()) return;
  is_unsaved_ = false;
  is_saving_ = true;
  last_save_ = clock_.now();
  const auto error = std::make_shared<std::string>();
  std::function<std::string()> save = make_save();
  offload_([error, save = std::move(save)] { *error = save(); },
           [this, error] {
             is_saving_ = false;
             finish_save(*error);
             schedule_save();
           });
}

/// Complains once until that changes.
void LatencyService::finish_save(const std::string& error) {
  if (!error.empty()) is_unsaved_ = true;
  if (!error.empty() && error != save_error_) {
    spdlog::warn("latency: cannot write {}: {}", (state_dir_ / kDbName).string(), error);
  }
  save_error_ = error;
}

void LatencyService::stop() {
  merge_timer_ = nullptr;
  age_timer_ = nullptr;
  save_timer_ = nullptr;
  if (state_dir_.empty()) return;
  if (store_.has_recent() || is_merging_) {
    is_unsaved_ = true;
    store_.finish_merge(store_.begin_merge(now()).run());
  }
  if (is_unsaved_ || is_saving_) finish_save(make_save()());
}

std::vector<LatencyRow> LatencyService::show(const LatencyFilter& filter) const {
  std::optional<routing::LatencyColumn> wanted;
  if (filter.endpoint) {
    const auto& names = columns_.names();
    const auto found = std::find(names.begin(), names.end(), *filter.endpoint);
    if (found == names.end()) return {};
    wanted = static_cast<routing::LatencyColumn>(found - names.begin());
  }
  const routing::LatencyCells cells = store_.find_measured(
      filter.network, [&](routing::LatencyColumn column) { return !wanted || column == *wanted; },
      filter.limit);
  std::vector<LatencyRow> rows;
  for (const routing::LatencyCell& cell : cells) {
    if (rows.size() == filter.limit) return rows;
    const routing::LatencyStore::Time measured{std::chrono::seconds{cell.measured}};
    rows.push_back({routing::network_of(cell.key), columns_.names()[routing::column_of(cell.key)],
                    std::chrono::microseconds{cell.rtt_us}, true,
                    std::max(now() - measured, std::chrono::seconds{0})});
  }
  add_filed_rows(filter, rows);
  return rows;
}

void LatencyService::add_filed_rows(const LatencyFilter& filter,
                                    std::vector<LatencyRow>& rows) const {
  if (!store_.filed().lines) return;
  for (const routing::FiledLatency& line : *store_.filed().lines) {
    if (rows.size() == filter.limit) return;
    const std::string& name = endpoint_names_[line.endpoint];
    if (filter.endpoint && name != *filter.endpoint) continue;
    if (filter.network && !overlap(*filter.network, line.network)) continue;
    rows.push_back({line.network, name, std::chrono::microseconds{line.rtt_us}, false,
                    std::chrono::seconds{0}});
  }
}

}  // namespace gslb::app
