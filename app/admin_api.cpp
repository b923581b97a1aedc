#include "app/admin_api.h"

#include <string>
#include <utility>

#include "app/admin_json.h"

namespace gslb::app {

void add_admin_api(AdminHandlers& handlers, const ControlPlane& control,
                   std::function<bool()> is_ready, Reload reload) {
  handlers.get("/healthz", [](const AdminRequest&) {
    return AdminResponse{200, R"({"status":"ok"})"};
  });
  handlers.get("/readyz", [is_ready = std::move(is_ready)](const AdminRequest&) {
    if (is_ready()) return AdminResponse{200, R"({"status":"ready"})"};
    return make_problem(503, "queries are not answered yet");
  });

  const auto add_report = [&](const char* path,
                              std::string (*to_json)(const Config&, const StatusReport&)) {
    handlers.get(path, [&control, to_json](const AdminRequest&) {
      return AdminResponse{200, to_json(control.config(), control.status_report())};
    });
  };
  add_report("/v1/status", status_to_json);
  add_report("/v1/profiles", profiles_to_json);
  add_report("/v1/endpoints", endpoints_to_json);

  handlers.post("/v1/reload", [reload = std::move(reload)](const AdminRequest&,
                                                           const AdminHandlers::Reply& reply) {
    reload([reply](const ConfigResult& result) { reply(make_reload_response(result)); });
  });
}

}  // namespace gslb::app
