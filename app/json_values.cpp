#include "app/json_values.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <time.h>

#include <stdexcept>

namespace gslb::app {

std::string format_time(health::WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

health::WallTime time_of(const boost::json::value& value) {
  const std::string text(value.as_string());
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') throw std::runtime_error("\"" + text + "\" is no time");
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

boost::json::value text_or_null(const std::string& text) {
  return text.empty() ? boost::json::value(nullptr) : boost::json::value(text);
}

}  // namespace gslb::app
