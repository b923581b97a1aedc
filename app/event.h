#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "health/clock.h"

namespace gslb::app {

/// Something that has changed, for the event log and whoever is told.
struct Event {
  using Value = std::variant<std::string, std::uint64_t>;

  std::string_view kind;  ///< "endpoint", "profile", "override", "isolation", "warning", …
  std::vector<std::pair<std::string_view, Value>> fields;
};
using EventSink = std::function<void(const Event&)>;

/// One line of JSON, without a newline.
std::string to_json(const Event& event, health::WallTime time);

}  // namespace gslb::app
