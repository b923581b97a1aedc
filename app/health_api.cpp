#include "app/health_api.h"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "app/admin_json.h"
#include "app/config_values.h"
#include "app/json_values.h"
#include "app/metrics.h"

namespace gslb::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxReason = 200;
constexpr std::chrono::hours kMaxDuration{24 * 366};

/// How an operator's order is asked for: by the query, or by a JSON object.
struct Order {
  std::optional<std::chrono::seconds> duration;
  std::string reason;
};

tl::expected<std::string, std::string> read_member(const AdminRequest& request,
                                                   const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  if (value == nullptr || value->is_null()) return request.parameter(key);
  if (value->is_string()) return std::string(value->as_string());
  return tl::make_unexpected("\"" + std::string(key) + "\" is no string");
}

tl::expected<Order, std::string> parse_order(const AdminRequest& request) {
  json::object body;
  if (!request.body.empty()) {
    boost::system::error_code error;
    const json::value parsed = json::parse(request.body, error);
    if (error || !parsed.is_object()) {
      return tl::make_unexpected(
          std::string("the body is no JSON object such as {\"for\": \"2h\", \"reason\": \"…\"}"));
    }
    body = parsed.as_object();
    for (const auto& member : body) {
      if (member.key() == "for" || member.key() == "reason") continue;
      return tl::make_unexpected("there is no \"" + std::string(member.key()) + "\" here");
    }
  }
  Order order;
  const auto reason = read_member(request, body, "reason");
  if (!reason) return tl::make_unexpected(reason.error());
  const bool has_control = std::any_of(reason->begin(), reason->end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
  if (reason->size() > kMaxReason || has_control) {
    return tl::make_unexpected(std::string("the reason is one line of at most 200 octets"));
  }
  order.reason = *reason;
  const auto duration = read_member(request, body, "for");
  if (!duration) return tl::make_unexpected(duration.error());
  if (duration->empty()) return order;
  const auto parsed = loading::parse_duration(*duration);
  if (!parsed) return tl::make_unexpected(parsed.error());
  if (*parsed < std::chrono::seconds(1) || *parsed > kMaxDuration) {
    return tl::make_unexpected("\"" + *duration + "\" is out of range; use 1s to 8784h");
  }
  order.duration = std::chrono::ceil<std::chrono::seconds>(*parsed);
  return order;
}

AdminResponse obey(ControlPlane& control, const AdminRequest& request, Override::Kind kind) {
  const auto order = parse_order(request);
  if (!order) return make_problem(400, order.error());
  if (kind == Override::Kind::kEnable && order->duration &&
      !control.overrides().contains(request.name)) {
    // Would end at once in what is configured anyway.
    const auto& endpoints = control.config().endpoints;
    const auto found = std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) {
      return endpoint.routing.name == request.name;
    });
    if (found != endpoints.end() && found->routing.enabled) {
      return make_problem(400, "endpoint " + request.name + " is enabled already");
    }
  }
  const auto done = control.set_override(request.name, kind, order->duration, order->reason);
  if (!done) return make_problem(404, done.error());
  const auto found = control.overrides().find(request.name);
  json::object reply{{"endpoint", request.name}, {"override", nullptr}, {"until", nullptr}};
  if (found != control.overrides().end()) {
    reply["override"] = to_string(found->second.kind);
    if (found->second.until) reply["until"] = format_time(*found->second.until);
  }
  return {200, json::serialize(reply)};
}

/// The monitors of an endpoint, or the one of that name.
tl::expected<ProbesNow::Monitors, std::string> monitors_of(const Config& config,
                                                           const std::string& endpoint,
                                                           const std::string& only) {
  for (const EndpointConfig& entry : config.endpoints) {
    if (entry.routing.name != endpoint) continue;
    if (only.empty()) {
      if (!entry.monitors.empty()) return entry.monitors;
      return tl::make_unexpected("endpoint " + endpoint + " has no monitors");
    }
    for (const auto& monitor : entry.monitors) {
      if (monitor->name == only) return ProbesNow::Monitors{monitor};
    }
    return tl::make_unexpected("endpoint " + endpoint + " has no monitor " + only);
  }
  return tl::make_unexpected("there is no endpoint " + endpoint);
}

void probe(const ControlPlane& control, ProbesNow& probes, const AdminRequest& request,
           const AdminHandlers::Reply& reply) {
  const auto monitors = monitors_of(control.config(), request.name, request.parameter("monitor"));
  if (!monitors) return reply(make_problem(404, monitors.error()));
  const auto addresses = control.probed_addresses(request.name);
  if (!addresses || addresses->empty()) {
    return reply(make_problem(503, "the target of " + request.name + " has no addresses"));
  }
  probes.run(*monitors, *addresses, [reply, name = request.name](const auto& records) {
    reply({200, probes_to_json(name, records)});
  });
}

}  // namespace

void add_health_api(AdminHandlers& handlers, ControlPlane& control, ProbesNow& probes) {
  for (const auto kind :
       {Override::Kind::kEnable, Override::Kind::kDisable, Override::Kind::kDrain}) {
    handlers.post("/v1/endpoints/*/" + std::string(to_string(kind)),
                  [&control, kind](const AdminRequest& request, const AdminHandlers::Reply& reply) {
                    reply(obey(control, request, kind));
                  });
  }
  handlers.post("/v1/endpoints/*/probe",
                [&](const AdminRequest& request, const AdminHandlers::Reply& reply) {
                  probe(control, probes, request, reply);
                });
  handlers.get("/metrics", [&control](const AdminRequest&) {
    return AdminResponse{
        200, health_metrics(control.config(), control.status_report(), control.health().stats()),
        "text/plain; version=0.0.4; charset=utf-8"};
  });
}

}  // namespace gslb::app
