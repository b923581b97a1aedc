#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "app/config_sections.h"
#include "app/config_text.h"
#include "app/latency_csv.h"
#include "base/file.h"

namespace gslb::app::loading {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMegabyte = 1'000'000;
constexpr unsigned kMaxMegabytes = 100'000;
constexpr std::size_t kMaxFileSize = std::size_t{256} << 20U;
constexpr DurationRange kAges{1min, 8760h, 1s};

void read_limits(const toml::table& root, Draft& draft, Report& report) {
  const toml::node* node = root.get("latency");
  if (node == nullptr) return;
  const toml::table* table = read_table({node, "latency"}, report, "write [latency]");
  if (table == nullptr) return;
  TableReader reader(*table, "latency", report);
  reader.check_keys({"max_age", "max_memory_mb"}, {});
  routing::LatencyLimits& limits = draft.config.latency.limits;
  if (const auto age = reader.duration("max_age", kAges)) {
    limits.max_age = std::chrono::duration_cast<std::chrono::seconds>(*age);
  }
  if (const auto megabytes = reader.integer("max_memory_mb", 1, kMaxMegabytes)) {
    limits.max_memory = *megabytes * kMegabyte;
  }
}

LatencyCsv parse(std::string_view text, const Config& config) {
  std::unordered_map<std::string_view, std::uint16_t> ids;
  for (const EndpointConfig& endpoint : config.endpoints) {
    if (ids.size() > std::numeric_limits<std::uint16_t>::max()) break;
    ids.emplace(endpoint.routing.name, static_cast<std::uint16_t>(ids.size()));
  }
  return parse_latency_csv(text, [&](std::string_view name) -> std::optional<std::uint16_t> {
    const auto found = ids.find(name);
    if (found == ids.end()) return std::nullopt;
    return found->second;
  });
}

/// Lines are never evicted, so all must fit.
void check_memory(const TableReader& reader, const Config& config) {
  std::vector<routing::LatencyColumn> columns(config.endpoints.size());
  std::iota(columns.begin(), columns.end(), routing::LatencyColumn{0});
  const std::size_t memory = routing::estimate_memory({{}, *config.latency.lines, columns});
  if (memory <= config.latency.limits.max_memory) return;
  reader.error("latency_file", "takes " + std::to_string(memory / kMegabyte + 1) +
                                   " MB of memory; shorten it, or raise latency.max_memory_mb");
}

void read_file(const TableReader& reader, Draft& draft, Report& report) {
  const auto name = reader.string("latency_file");
  if (!name) return;
  const std::filesystem::path path = draft.folder / *name;
  const auto content =
      base::read_file(path, kMaxFileSize, "the file is larger than 256 MiB; shorten it");
  if (!content) {
    reader.error("latency_file", quote(*name) + ": " + content.error());
    return;
  }
  draft.config.files.push_back(path);
  LatencyCsv csv = parse(content->text, draft.config);
  for (LatencyCsvNote& note : csv.errors) {
    report.error_in(path.string(), note.line, std::move(note.message));
  }
  for (LatencyCsvNote& note : csv.warnings) {
    report.warning_in(path.string(), note.line, std::move(note.message));
  }
  draft.config.latency.lines =
      std::make_shared<const std::vector<routing::FiledLatency>>(std::move(csv.lines));
  check_memory(reader, draft.config);
}

}  // namespace

void read_latency(const toml::table& root, Draft& draft, Report& report) {
  read_limits(root, draft, report);
  const toml::node* server = root.get("server");
  if (server == nullptr || !server->is_table()) return;
  read_file(TableReader(*server->as_table(), "server", report), draft, report);
}

}  // namespace gslb::app::loading
