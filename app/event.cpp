#include "app/event.h"

#include "app/json_values.h"

namespace gslb::app {

std::string to_json(const Event& event, health::WallTime time) {
  boost::json::object out{{"time", format_time(time)}, {"event", event.kind}};
  for (const auto& [key, value] : event.fields) {
    std::visit([&](const auto& plain) { out[key] = plain; }, value);
  }
  return boost::json::serialize(out);
}

}  // namespace gslb::app
