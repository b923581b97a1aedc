// Latencies from outside, as the file of the operator and as the JSON of the admin API: whatever
// the text, it is refused with a place, or what is read is within its bounds and in order.

#include <algorithm>
#include <string_view>

#include "app/latency_csv.h"
#include "app/latency_json.h"
#include "tests/fuzz/fuzz.h"

namespace gslb::fuzz {
namespace {

constexpr std::uint32_t kMaxRttUs = 60'000'000;

std::optional<std::uint16_t> find_endpoint(std::string_view name) {
  if (name == "london") return 0;
  if (name == "paris") return 1;
  return std::nullopt;
}

void check_file(std::string_view text) {
  const auto lines = 1 + static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const app::LatencyCsv read = app::parse_latency_csv(text, find_endpoint);
  require(read.lines.size() <= lines, "a line gives one latency at most");
  for (const auto& line : read.lines) {
    require(line.endpoint <= 1, "an endpoint is one of the configuration");
    require(line.rtt_us <= kMaxRttUs, "a latency is a minute at most");
  }
  for (const auto* notes : {&read.errors, &read.warnings}) {
    for (const auto& note : *notes) {
      require(note.line >= 1 && note.line <= lines, "a finding has a line of the file");
      require_one_line(note.message);
    }
  }
}

void check_json(std::string_view text) {
  const auto read = app::parse_measurements(text);
  if (!read) {
    require(!read.error().empty(), "an error says something");
    return;
  }
  require(read->size() <= app::kMaxMeasurements, "a batch has its limit");
}

}  // namespace
}  // namespace gslb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = gslb::fuzz::Input(data, size).text();
  gslb::fuzz::check_file(text);
  gslb::fuzz::check_json(text);
  return 0;
}
