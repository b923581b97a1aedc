#pragma once

#include "app/admin.h"
#include "app/control_plane.h"
#include "app/probe_now.h"

namespace gslb::app {

/// Adds `POST /v1/endpoints/*/{disable,enable,drain,probe}` and `GET /metrics`. The references must
/// outlive `handlers`.
void add_health_api(AdminHandlers& handlers, ControlPlane& control, ProbesNow& probes);

}  // namespace gslb::app
