#include "app/gslbctl_health.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <memory>
#include <utility>

#include "app/config.h"
#include "app/gslbctl_client.h"
#include "app/gslbctl_reply.h"
#include "app/probe_now.h"
#include "health/protocol_prober.h"
#include "health/resolver.h"

namespace gslb::app {
namespace {

namespace json = boost::json;

struct Options : ControlOptions {
  std::string order;  ///< "disable", "enable" or "drain"
  std::string endpoint;
  std::string duration;
  std::string reason;
  std::string monitor;
  std::string file;  ///< Probes on its own, as this configuration says.
};

std::string path_to(const Options& options, const std::string& what) {
  return "/v1/endpoints/" + encode_query(options.endpoint) + "/" + what;
}

int give_order(const Options& options) {
  json::object body;
  if (!options.duration.empty()) body["for"] = options.duration;
  if (!options.reason.empty()) body["reason"] = options.reason;
  int status = kExitOk;
  const auto reply =
      ask_for_json(options, "POST", path_to(options, options.order), json::serialize(body), status);
  if (!reply) return status;
  if (options.json) {
    fmt::print("{}\n", *reply);
    return kExitOk;
  }
  const auto text = read_reply(*reply, [&](const json::object& object) {
    const json::value& order = object.at("override");
    if (order.is_null()) return fmt::format("{}: as configured\n", options.endpoint);
    const json::value& until = object.at("until");
    return fmt::format(
        "{}: {}{}\n", options.endpoint, std::string_view(order.as_string()),
        until.is_null() ? "" : fmt::format(" until {}", std::string_view(until.as_string())));
  });
  if (!text) return complain(text.error());
  fmt::print("{}", *text);
  return kExitOk;
}

/// What the daemon would do, done here.
tl::expected<std::string, std::string> probe_here(const Options& options) {
  const ConfigResult loaded = load_config(options.file);
  if (!loaded.config) return tl::make_unexpected(loaded.diagnostics.front().to_string());
  const EndpointConfig* endpoint = nullptr;
  for (const EndpointConfig& entry : loaded.config->endpoints) {
    if (entry.routing.name == options.endpoint) endpoint = &entry;
  }
  if (endpoint == nullptr) {
    return tl::make_unexpected(fmt::format("there is no endpoint {}", options.endpoint));
  }
  ProbesNow::Monitors monitors;
  for (const auto& monitor : endpoint->monitors) {
    if (options.monitor.empty() || monitor->name == options.monitor) monitors.push_back(monitor);
  }
  if (monitors.empty()) {
    return tl::make_unexpected(fmt::format("endpoint {} has no monitor{}{}", options.endpoint,
                                           options.monitor.empty() ? "s" : " ", options.monitor));
  }
  boost::asio::io_context io;
  std::vector<base::IpAddress> addresses = endpoint->routing.ipv4;
  addresses.insert(addresses.end(), endpoint->routing.ipv6.begin(), endpoint->routing.ipv6.end());
  if (endpoint->probe_address) addresses = {*endpoint->probe_address};
  if (addresses.empty() && endpoint->routing.target) {
    const auto found = health::SystemResolver::look_up_now(endpoint->routing.target->to_string());
    if (!found) return tl::make_unexpected(found.error());
    addresses = *found;
  }
  health::ProtocolProber prober(io);
  ProbesNow probes(prober);
  std::string reply;
  probes.run(monitors, addresses, [&](const std::vector<ProbeRecord>& records) {
    reply = probes_to_json(options.endpoint, records);
    io.stop();
  });
  io.run();
  return reply;
}

int probe(const Options& options) {
  std::string reply;
  if (options.file.empty()) {
    int status = kExitOk;
    std::string target = path_to(options, "probe");
    if (!options.monitor.empty()) target += "?monitor=" + encode_query(options.monitor);
    const auto answer = ask_for_json(options, "POST", target, "", status);
    if (!answer) return status;
    reply = *answer;
  } else {
    auto found = probe_here(options);
    if (!found) return complain(found.error());
    reply = *std::move(found);
  }
  const auto text = probes_text(reply);
  if (!text) return complain(text.error());
  fmt::print("{}", options.json ? reply + "\n" : *text);
  return json::parse(reply).as_object().at("passed").as_bool() ? kExitOk : kExitFailed;
}

void add_order(CLI::App& app, Command& command, const char* order, const char* description) {
  const auto options = std::make_shared<Options>();
  options->order = order;
  CLI::App& sub = *app.add_subcommand(order, description);
  sub.callback([&command, options] { command = [options] { return give_order(*options); }; });
  sub.add_option("ENDPOINT", options->endpoint, "Its name")->required();
  sub.add_option("--for", options->duration, "How long, such as 2h; otherwise until taken back")
      ->type_name("DURATION");
  sub.add_option("--reason", options->reason, "For those who look at the status")
      ->type_name("TEXT");
  add_control_options(sub, *options);
}

std::string format_certificate(const json::object& certificate) {
  std::string text = fmt::format("    certificate {}, issued by {}, {}, expires {} ({} days)\n",
                                 text_of(certificate, "subject"), text_of(certificate, "issuer"),
                                 text_of(certificate, "key"), text_of(certificate, "not_after"),
                                 certificate.at("days_left").to_number<int>());
  for (const char* kind : {"errors", "warnings"}) {
    for (const json::value& item : certificate.at(kind).as_array()) {
      text += fmt::format("    {}: the certificate {}\n",
                          std::string_view(kind) == "errors" ? "error" : "warning",
                          std::string_view(item.as_string()));
    }
  }
  return text;
}

std::string format_probes(const json::object& reply) {
  std::string text;
  for (const json::value& item : reply.at("probes").as_array()) {
    const json::object& probe = item.as_object();
    const std::string outcome = text_of(probe, "outcome");
    text +=
        fmt::format("{}, monitor {} at {}: {} after {:.1f} ms: {}\n", text_of(reply, "endpoint"),
                    text_of(probe, "monitor"), text_of(probe, "place"),
                    outcome == "success"   ? "passed"
                    : outcome == "failure" ? "failed"
                                           : "could not be run",
                    probe.at("elapsed_ms").to_number<double>(), text_of(probe, "detail"));
    for (const json::value& part : probe.at("steps").as_array()) {
      const json::object& step = part.as_object();
      text += fmt::format("  {:8.1f} ms  {}\n", step.at("after_ms").to_number<double>(),
                          text_of(step, "what"));
    }
    if (!probe.at("certificate").is_null()) {
      text += format_certificate(probe.at("certificate").as_object());
    }
  }
  return text;
}

std::string format_checks(const json::object& endpoint) {
  std::string text =
      fmt::format("{}: {}", text_of(endpoint, "endpoint"), text_of(endpoint, "status"));
  if (const std::string reason = reason_of(endpoint); !reason.empty()) text += ": " + reason;
  text += '\n';
  for (const json::value& item : endpoint.at("warnings").as_array()) {
    text += fmt::format("warning: {}\n", std::string_view(item.as_string()));
  }
  TextTable table(
      {"MONITOR", "ADDRESS", "STATUS", "SINCE", "FAILURES", "LAST PROBE", "TOOK", "FOUND"});
  for (const json::value& item : endpoint.at("checks").as_array()) {
    const json::object& check = item.as_object();
    const bool is_old = check.at("before_restart").as_bool();
    const json::value& age = check.at("age_seconds");
    const json::value& elapsed = check.at("elapsed_ms");
    table.add({text_of(check, "monitor"), text_of(check, "address"), text_of(check, "status"),
               text_of(check, "since"),
               std::to_string(check.at("consecutive_failures").to_number<unsigned>()),
               age.is_null() ? "never"
                             : fmt::format("{} s ago{}", age.to_number<long>(),
                                           is_old ? ", before a restart" : ""),
               elapsed.is_null() ? "" : fmt::format("{:.1f} ms", elapsed.to_number<double>()),
               check.at("fault").is_null() ? text_of(check, "detail") : text_of(check, "fault")});
  }
  text += table.to_string();
  for (const json::value& item : endpoint.at("checks").as_array()) {
    const json::object& check = item.as_object();
    if (check.at("certificate").is_null()) continue;
    text += fmt::format("{} at {}:\n{}", text_of(check, "monitor"), text_of(check, "address"),
                        format_certificate(check.at("certificate").as_object()));
  }
  return text;
}

}  // namespace

tl::expected<std::string, std::string> probes_text(std::string_view text) {
  return read_reply(text, format_probes);
}

tl::expected<std::string, std::string> checks_text(std::string_view text,
                                                   std::string_view endpoint) {
  bool is_found = false;
  auto out = read_reply(text, [&](const json::object& reply) {
    for (const json::value& item : reply.at("endpoints").as_array()) {
      if (text_of(item.as_object(), "endpoint") != endpoint) continue;
      is_found = true;
      return format_checks(item.as_object());
    }
    return std::string();
  });
  if (out && !is_found) {
    return tl::make_unexpected(
        fmt::format("there is no endpoint {}; see gslbctl endpoints", endpoint));
  }
  return out;
}

void add_health_commands(CLI::App& app, Command& command) {
  add_order(app, command, "disable", "Take an endpoint out of all answers, and do not probe it");
  add_order(app, command, "enable",
            "Take back what was ordered, or enable what the configuration disables");
  add_order(app, command, "drain",
            "Send no new clients to an endpoint while there is another one; it is still probed");

  const auto options = std::make_shared<Options>();
  CLI::App& sub = *app.add_subcommand("probe", "Probe an endpoint now, and show each step");
  sub.callback([&command, options] { command = [options] { return probe(*options); }; });
  sub.add_option("ENDPOINT", options->endpoint, "Its name")->required();
  sub.add_option("--monitor", options->monitor, "Only this one")->type_name("NAME");
  CLI::Option* control =
      sub.add_option("--control", options->control, "The control socket of gslbd")
          ->type_name("PATH");
  sub.add_option("--config", options->file, "Probe from here, as this configuration says")
      ->type_name("FILE")
      ->excludes(control);
  sub.add_flag("--json", options->json, "Print JSON on one line");
}

}  // namespace gslb::app
