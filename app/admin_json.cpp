#include "app/admin_json.h"

#include <boost/json.hpp>
#include <utility>

#include "app/health_json.h"
#include "app/json_values.h"
#include "base/address_range.h"
#include "base/ip_address.h"

namespace gslb::app {
namespace {

namespace json = boost::json;
using routing::AllDown;

std::string_view reason_phrase(unsigned status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

std::string_view to_string(AllDown all_down) {
  switch (all_down) {
    case AllDown::kServeAll:
      return "serve-all";
    case AllDown::kNoData:
      return "nodata";
    case AllDown::kServFail:
      return "servfail";
    case AllDown::kFallback:
      return "fallback";
  }
  return "unknown";
}

template <typename T>
json::array texts(const std::vector<T>& items) {
  json::array out;
  for (const T& item : items) out.push_back(json::value(base::to_string(item)));
  return out;
}

AdminResponse problem(unsigned status, std::string_view detail, json::object more) {
  json::object out{{"type", "about:blank"},
                   {"title", reason_phrase(status)},
                   {"status", status},
                   {"detail", detail}};
  for (auto& member : more) out[member.key()] = std::move(member.value());
  return {status, json::serialize(out), "application/problem+json"};
}

json::object to_json(const Diagnostic& diagnostic) {
  return {{"file", diagnostic.file},       {"line", diagnostic.line},
          {"column", diagnostic.column},   {"key", text_or_null(diagnostic.key)},
          {"message", diagnostic.message}, {"text", diagnostic.to_string()}};
}

json::array diagnostics_of(const Diagnostics& diagnostics, Diagnostic::Severity severity) {
  json::array out;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == severity) out.push_back(to_json(diagnostic));
  }
  return out;
}

/// What statuses and configuration of a profile have in common.
json::object profile_head(const routing::ProfileSpec& spec, const ProfileReport& report) {
  return {{"profile", spec.name},
          {"name", spec.has_owner() ? json::value(spec.owner.to_string()) : json::value(nullptr)},
          {"method", routing::to_string(spec.method)},
          {"enabled", spec.enabled},
          {"status", routing::to_string(report.status)},
          {"serving", report.serving},
          {"total", report.entries.size()}};
}

json::object entry_head(const EntryReport& entry) {
  return {{entry.is_nested ? "profile" : "endpoint", entry.name},
          {"status", base::to_string(entry.status)},
          {"serving", entry.is_serving},
          {"reason", text_or_null(entry.reason)}};
}

json::object entry_with_config(const routing::ProfileEndpointSpec& spec, const EntryReport& entry) {
  json::object out = entry_head(entry);
  out["enabled"] = spec.enabled;
  out["weight"] = spec.weight;
  out["priority"] = spec.priority;
  out["always_serve"] = spec.always_serve;
  out["regions"] = json::value_from(spec.regions);
  out["subnets"] = texts(spec.subnets);
  if (spec.nested) {
    out["min_children"] = spec.min_children;
    out["min_children_ipv4"] = spec.min_children_ipv4;
    out["min_children_ipv6"] = spec.min_children_ipv6;
  }
  return out;
}

json::object profile_with_config(const routing::ProfileSpec& spec, const ProfileReport& report) {
  json::object out = profile_head(spec, report);
  out["ttl"] = spec.ttl.count();
  out["when_all_down"] = to_string(spec.when_all_down);
  out["fallback"] = texts(spec.fallback);
  out["sticky"] = nullptr;
  if (spec.sticky) {
    out["sticky"] = {{"ipv4_prefix", spec.sticky->ipv4_prefix},
                     {"ipv6_prefix", spec.sticky->ipv6_prefix}};
  }
  json::array entries;
  for (std::size_t i = 0; i < spec.endpoints.size(); ++i) {
    entries.push_back(entry_with_config(spec.endpoints[i], report.entries[i]));
  }
  out["endpoints"] = std::move(entries);
  return out;
}

json::value to_json(const std::optional<Override>& order) {
  if (!order) return nullptr;
  return {{"override", to_string(order->kind)},
          {"since", format_time(order->since)},
          {"until", order->until ? json::value(format_time(*order->until)) : json::value(nullptr)},
          {"reason", text_or_null(order->reason)}};
}

/// What holds for the whole daemon.
json::object head_of(const StatusReport& report) {
  json::object out{{"stale", nullptr}, {"problems", json::value_from(report.faults)}};
  if (report.isolated_since) {
    out["stale"] = {{"since", format_time(*report.isolated_since)},
                    {"reason", report.isolation_reason}};
  }
  return out;
}

json::object endpoint_to_json(const EndpointConfig& config, const EndpointStatusReport& report,
                              health::WallTime now) {
  const routing::EndpointSpec& spec = config.routing;
  json::array addresses = texts(spec.ipv4);
  for (json::value& address : texts(spec.ipv6)) addresses.push_back(std::move(address));
  json::array monitors;
  for (const auto& monitor : config.monitors) monitors.push_back(json::value(monitor->name));
  json::object out{{"endpoint", spec.name},
                   {"enabled", spec.enabled},
                   {"status", base::to_string(report.status)},
                   {"reason", text_or_null(report.reason)},
                   {"addresses", std::move(addresses)},
                   {"target", nullptr},
                   {"coordinates", nullptr},
                   {"load", nullptr},
                   {"monitors", std::move(monitors)},
                   {"monitors_required", config.monitors_required == 0 ? config.monitors.size()
                                                                       : config.monitors_required},
                   {"profiles", json::value_from(report.used_by)},
                   {"override", to_json(report.order)},
                   {"ramp", report.ramp},
                   {"warnings", json::value_from(report.warnings)},
                   {"checks", app::to_json(report.checks, now)}};
  if (spec.target) out["target"] = spec.target->to_string();
  if (spec.point) out["coordinates"] = {spec.point->latitude, spec.point->longitude};
  if (report.load) out["load"] = *report.load;
  return out;
}

}  // namespace

AdminResponse make_problem(unsigned status, std::string_view detail) {
  return problem(status, detail, {});
}

AdminResponse make_reload_response(const ConfigResult& result) {
  json::array warnings = diagnostics_of(result.diagnostics, Diagnostic::Severity::kWarning);
  if (result.config) {
    const json::object out{{"applied", true}, {"warnings", std::move(warnings)}};
    return {200, json::serialize(out)};
  }
  return problem(422, "the file has errors; the running configuration stays",
                 {{"errors", diagnostics_of(result.diagnostics, Diagnostic::Severity::kError)},
                  {"warnings", std::move(warnings)}});
}

std::string readiness_to_json(const std::vector<std::string>& problems) {
  return json::serialize(json::object{{"status", problems.empty() ? "ready" : "impaired"},
                                      {"problems", json::value_from(problems)}});
}

std::string status_to_json(const Config& config, const StatusReport& report) {
  json::array profiles;
  for (const ProfileReport& profile : report.profiles) {
    json::object out = profile_head(config.profiles[profile.id], profile);
    json::array entries;
    for (const EntryReport& entry : profile.entries) entries.push_back(entry_head(entry));
    out["endpoints"] = std::move(entries);
    profiles.push_back(std::move(out));
  }
  json::object out = head_of(report);
  out["version"] = GSLB_VERSION;
  out["identity"] = text_or_null(config.server.identity);
  out["serial"] = config.serial;
  out["profiles"] = std::move(profiles);
  return json::serialize(out);
}

std::string profiles_to_json(const Config& config, const StatusReport& report) {
  json::array profiles;
  for (const ProfileReport& profile : report.profiles) {
    profiles.push_back(profile_with_config(config.profiles[profile.id], profile));
  }
  return json::serialize(json::object{{"profiles", std::move(profiles)}});
}

std::string endpoints_to_json(const Config& config, const StatusReport& report) {
  json::array endpoints;
  for (const EndpointStatusReport& endpoint : report.endpoints) {
    endpoints.push_back(endpoint_to_json(config.endpoints[endpoint.id], endpoint, report.now));
  }
  json::object out = head_of(report);
  out["endpoints"] = std::move(endpoints);
  return json::serialize(out);
}

std::string diagnostics_to_json(const ConfigResult& result) {
  return json::serialize(json::object{
      {"valid", result.config != nullptr},
      {"errors", diagnostics_of(result.diagnostics, Diagnostic::Severity::kError)},
      {"warnings", diagnostics_of(result.diagnostics, Diagnostic::Severity::kWarning)}});
}

}  // namespace gslb::app
