#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/admin.h"
#include "app/control_plane.h"
#include "app/latency_service.h"

namespace gslb::app {

/// Loads the file again and calls back, on the same thread, once the result is applied or refused.
using Reload = std::function<void(std::function<void(const ConfigResult&)>)>;

/// Adds `/healthz`, `/readyz`, `/v1/status`, `/v1/profiles`, `/v1/endpoints` and `/v1/reload`.
/// `control` must outlive `handlers`; `is_ready` tells whether queries are answered, and `problems`
/// what does not work although they are.
void add_admin_api(AdminHandlers& handlers, const ControlPlane& control,
                   std::function<bool()> is_ready,
                   std::function<std::vector<std::string>()> problems, Reload reload);

/// Adds `/v1/explain`. `control` must outlive `handlers`.
void add_explain_api(AdminHandlers& handlers, const ControlPlane& control);

/// Adds `POST /v1/measurements` and `GET /v1/latency`. `latency` must outlive `handlers`.
void add_latency_api(AdminHandlers& handlers, LatencyService& latency);

}  // namespace gslb::app
