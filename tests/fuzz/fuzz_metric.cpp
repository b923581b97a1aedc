// What a site tells of its load: a line with the metric, and below it the text. Whatever they are,
// a finite number comes out, or one line that says what is wrong.

#include "health/metric.h"

#include <cmath>
#include <string_view>

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const std::string_view input = fuzz::Input(data, size).text();
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string_view metric = input.substr(0, end);
  if (!health::find_metric_problem(metric).empty()) return 0;
  const auto value = health::read_metric(input.substr(std::min(input.size(), end + 1)), metric);
  if (value) {
    fuzz::require(std::isfinite(*value), "a value is a number");
  } else {
    fuzz::require_one_line(value.error());
  }
  return 0;
}
