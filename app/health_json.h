#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <string_view>
#include <vector>

#include "health/health_monitor.h"

// What health checks found, as JSON. For sources of this folder that write JSON.
namespace gslb::app {

std::string_view outcome_name(health::Outcome outcome) noexcept;

double milliseconds_of(std::chrono::microseconds duration) noexcept;

/// Null for null.
boost::json::value to_json(const health::CertificateReport* certificate);

/// `now` is what ages count to.
boost::json::array to_json(const std::vector<health::CheckReport>& checks, health::WallTime now);

}  // namespace gslb::app
