#pragma once

#include <string>
#include <string_view>

#include "app/admin.h"
#include "app/config.h"
#include "app/status_report.h"

// What the admin API says, in JSON. docs/reference/api.md describes it.
namespace gslb::app {

/// A problem (RFC 9457) without a type of its own; the title is the phrase of the status.
AdminResponse make_problem(unsigned status, std::string_view detail);

/// The result of a reload: its warnings, or a problem with its errors.
AdminResponse make_reload_response(const ConfigResult& result);

/// `report` is that of `config`, here and below.
/// `{"status": "ready", "problems": []}`; "impaired" where there are any.
std::string readiness_to_json(const std::vector<std::string>& problems);

std::string status_to_json(const Config& config, const StatusReport& report);
std::string profiles_to_json(const Config& config, const StatusReport& report);
std::string endpoints_to_json(const Config& config, const StatusReport& report);

/// `{"valid": …, "errors": […], "warnings": […]}`
std::string diagnostics_to_json(const ConfigResult& result);

}  // namespace gslb::app
