#include "app/json_values.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>

#include <stdexcept>

namespace gslb::app {

std::string format_time(health::WallTime time) {
  return format_time(std::chrono::floor<std::chrono::seconds>(time));
}

std::string format_time(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::time_t{time.time_since_epoch().count()}));
}

health::WallTime time_of(const boost::json::value& value) {
  const std::string text(value.as_string());
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  constexpr int kLastYear = 2200;  // system_clock ends in 2262.
  if (end == nullptr || *end != '\0' || parts.tm_year > kLastYear - 1900)
    throw std::runtime_error("\"" + text + "\" is no time");
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}

}  // namespace gslb::app
