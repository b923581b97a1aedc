#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <string>

#include "health/clock.h"

namespace gslb::app {

/// "2026-11-24T13:00:00Z" (RFC 3339)
std::string format_time(health::WallTime time);
/// Likewise, also beyond 2262.
std::string format_time(std::chrono::sys_seconds time);

/// Reads it back; throws std::runtime_error where it is none.
health::WallTime time_of(const boost::json::value& value);

/// Null for what is not said.
boost::json::value text_or_null(const std::string& text);

}  // namespace gslb::app
