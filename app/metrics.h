#pragma once

#include <string>

#include "app/config.h"
#include "app/status_report.h"
#include "health/health_monitor.h"

namespace gslb::app {

/// Health in the text format of Prometheus (version 0.0.4). Thread-safe.
std::string health_metrics(const Config& config, const StatusReport& report,
                           const health::ProbingStats& stats);

}  // namespace gslb::app
