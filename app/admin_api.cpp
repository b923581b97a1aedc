#include "app/admin_api.h"

#include <string>
#include <utility>

#include "app/admin_json.h"
#include "app/config_values.h"
#include "app/explain.h"
#include "app/latency_json.h"

namespace gslb::app {

void add_admin_api(AdminHandlers& handlers, const ControlPlane& control,
                   std::function<bool()> is_ready,
                   std::function<std::vector<std::string>()> problems, Reload reload) {
  handlers.get("/healthz", [](const AdminRequest&) {
    return AdminResponse{200, R"({"status":"ok"})"};
  });
  handlers.get("/readyz", [is_ready = std::move(is_ready),
                           problems = std::move(problems)](const AdminRequest&) {
    if (!is_ready()) return make_problem(503, "queries are not answered yet");
    return AdminResponse{200, readiness_to_json(problems())};
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

void add_explain_api(AdminHandlers& handlers, const ControlPlane& control) {
  handlers.get("/v1/explain", [&control](const AdminRequest& request) {
    for (const char* name : {"name", "client"}) {
      if (request.parameter(name).empty()) {
        return make_problem(400, std::string("the parameter ") + name + " is missing");
      }
    }
    const std::string type = request.parameter("type");
    const auto question = parse_explain_question(
        request.parameter("name"), request.parameter("client"), type.empty() ? "A" : type);
    if (!question) return make_problem(400, question.error());
    const auto answer = explain(control, *question);
    if (!answer) return make_problem(404, answer.error());
    if (request.parameter("format") == "text") {
      return AdminResponse{200, to_text(*answer), "text/plain; charset=utf-8"};
    }
    return AdminResponse{200, to_json(*answer)};
  });
}

void add_latency_api(AdminHandlers& handlers, LatencyService& latency) {
  handlers.post(
      "/v1/measurements",
      [&latency](const AdminRequest& request, const AdminHandlers::Reply& reply) {
        const auto measurements = parse_measurements(request.body);
        reply(measurements ? AdminResponse{200, to_json(latency.ingest(*measurements))}
                           : make_problem(400, measurements.error()));
      },
      kMaxBody);
  handlers.get("/v1/latency", [&latency](const AdminRequest& request) {
    LatencyFilter filter;
    if (const std::string endpoint = request.parameter("endpoint"); !endpoint.empty()) {
      filter.endpoint = endpoint;
    }
    if (const std::string prefix = request.parameter("prefix"); !prefix.empty()) {
      const auto network = loading::parse_prefix(prefix);
      if (!network) return make_problem(400, network.error());
      filter.network = *network;
    }
    return AdminResponse{200, latency_to_json(latency.show(filter))};
  });
}

}  // namespace gslb::app
