#include "app/gslbctl_status.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

#include "app/admin_json.h"
#include "app/config.h"
#include "app/gslbctl_client.h"
#include "app/gslbctl_health.h"
#include "app/gslbctl_reply.h"

namespace gslb::app {
namespace {

namespace json = boost::json;

struct Options : ControlOptions {
  std::string file;
  std::string profile;
  std::string endpoint;
};

std::string joined(const json::array& items) {
  std::string out;
  for (const json::value& item : items) {
    out += (out.empty() ? "" : " ") + std::string(item.as_string());
  }
  return out;
}

/// What holds for the whole daemon, above the table.
std::string head_of(const json::object& reply) {
  std::string text;
  if (!reply.at("stale").is_null()) {
    const json::object& stale = reply.at("stale").as_object();
    text += fmt::format("STALE since {}: all sites and canaries fail, statuses are frozen ({})\n",
                        text_of(stale, "since"), text_of(stale, "reason"));
  }
  for (const json::value& problem : reply.at("problems").as_array()) {
    text += fmt::format("PROBLEM: {}\n", std::string_view(problem.as_string()));
  }
  return text;
}

std::string format_status(const json::object& reply) {
  TextTable table({"PROFILE", "NAME", "METHOD", "STATUS", "SERVING", "REASON"});
  for (const json::value& item : reply.at("profiles").as_array()) {
    const json::object& profile = item.as_object();
    table.add({text_of(profile, "profile"), text_of(profile, "name"), text_of(profile, "method"),
               text_of(profile, "status"),
               fmt::format("{}/{}", profile.at("serving").to_number<unsigned>(),
                           profile.at("total").to_number<unsigned>()),
               ""});
    for (const json::value& part : profile.at("endpoints").as_array()) {
      const json::object& entry = part.as_object();
      const bool nested = entry.contains("profile");
      table.add({"  " + text_of(entry, nested ? "profile" : "endpoint"), nested ? "(profile)" : "",
                 "", text_of(entry, "status"), entry.at("serving").as_bool() ? "yes" : "no",
                 reason_of(entry)});
    }
  }
  return head_of(reply) + table.to_string();
}

std::string format_endpoints(const json::object& reply) {
  TextTable table({"ENDPOINT", "ADDRESSES", "STATUS", "MONITORS", "PROFILES", "LOAD", "REASON"});
  std::string warnings;
  for (const json::value& item : reply.at("endpoints").as_array()) {
    const json::object& endpoint = item.as_object();
    const std::string addresses = joined(endpoint.at("addresses").as_array());
    const json::value& load = endpoint.at("load");
    table.add({text_of(endpoint, "endpoint"),
               addresses.empty() ? text_of(endpoint, "target") : addresses,
               text_of(endpoint, "status"), joined(endpoint.at("monitors").as_array()),
               joined(endpoint.at("profiles").as_array()),
               load.is_null() ? "" : fmt::format("{:.0f} %", load.to_number<double>() * 100),
               reason_of(endpoint)});
    for (const json::value& warning : endpoint.at("warnings").as_array()) {
      warnings += fmt::format("warning: {}: {}\n", text_of(endpoint, "endpoint"),
                              std::string_view(warning.as_string()));
    }
  }
  return head_of(reply) + table.to_string() + warnings;
}

/// The reply with the item of that name alone.
tl::expected<std::string, std::string> only(std::string_view json, std::string_view list,
                                            std::string_view key, std::string_view name) {
  bool is_found = false;
  auto part = read_reply(json, [&](json::object& reply) {
    json::array items;
    for (const json::value& item : reply.at(list).as_array()) {
      if (text_of(item.as_object(), key) == name) items.push_back(item);
    }
    is_found = !items.empty();
    reply[list] = std::move(items);
    return json::serialize(reply);
  });
  if (part && !is_found) {
    return tl::make_unexpected(fmt::format("there is no {} {}; see gslbctl {}", key, name,
                                           key == "profile" ? "status" : "endpoints"));
  }
  return part;
}

tl::expected<std::string, std::string> only_endpoint(std::string_view json, std::string_view name) {
  return only(json, "endpoints", "endpoint", name);
}

using Format = tl::expected<std::string, std::string> (*)(std::string_view);

/// The reply itself with --json, else as a table.
int print_reply(bool as_json, const std::string& reply, Format format) {
  if (as_json) {
    fmt::print("{}\n", reply);
    return kExitOk;
  }
  const auto table = format(reply);
  if (!table) return complain(table.error());
  fmt::print("{}", *table);
  return kExitOk;
}

int check(const Options& options) {
  const ConfigResult result = load_config(options.file);
  for (const Diagnostic& diagnostic : result.diagnostics) {
    if (!options.json) fmt::print(stderr, "{}\n", diagnostic.to_string());
  }
  if (options.json) {
    fmt::print("{}\n", diagnostics_to_json(result));
  } else if (result.config) {
    fmt::print("{}: valid: {} zones, {} profiles, {} endpoints\n", options.file,
               result.config->zones.size(), result.config->profiles.size(),
               result.config->endpoints.size());
  }
  return result.config ? kExitOk : kExitFailed;
}

int show_status(const Options& options) {
  int status = kExitOk;
  auto reply = ask_for_json(options, "GET", "/v1/status", "", status);
  if (!reply) return status;
  if (!options.profile.empty()) {
    auto part = only_profile(*reply, options.profile);
    if (!part) return complain(part.error());
    reply = *std::move(part);
  }
  return print_reply(options.json, *reply, status_table);
}

int show_endpoints(const Options& options) {
  int status = kExitOk;
  const auto reply = ask_for_json(options, "GET", "/v1/endpoints", "", status);
  if (!reply || options.endpoint.empty()) {
    return reply ? print_reply(options.json, *reply, endpoints_table) : status;
  }
  const auto part = options.json ? only_endpoint(*reply, options.endpoint)
                                 : checks_text(*reply, options.endpoint);
  if (!part) return complain(part.error());
  fmt::print("{}{}", *part, options.json ? "\n" : "");
  return kExitOk;
}

std::string format_readiness(const json::object& reply) {
  std::string out = "ready: queries are answered\n";
  for (const json::value& problem : reply.at("problems").as_array()) {
    out += fmt::format("problem: {}\n", std::string_view(problem.as_string()));
  }
  return out;
}

tl::expected<std::string, std::string> readiness_text(std::string_view json) {
  return read_reply(json, format_readiness);
}

int show_readiness(const Options& options) {
  int status = kExitOk;
  const auto reply = ask_for_json(options, "GET", "/readyz", "", status);
  return reply ? print_reply(options.json, *reply, readiness_text) : status;
}

/// The lines of the errors and warnings of a reload.
std::string format_diagnostics(const json::object& reply) {
  std::string out;
  for (const std::string_view key : {"errors", "warnings"}) {
    const json::value* list = reply.if_contains(key);
    if (list == nullptr) continue;
    for (const json::value& item : list->as_array()) {
      out += text_of(item.as_object(), "text") + '\n';
    }
  }
  return out;
}

int reload(const Options& options) {
  int status = kExitOk;
  const auto reply = ask_daemon(options, "POST", "/v1/reload", "", status);
  if (!reply) return status;
  const bool applied = reply->status == 200;
  if (options.json) {
    fmt::print("{}\n", reply->body);
    return applied ? kExitOk : kExitFailed;
  }
  const auto lines = read_reply(reply->body, format_diagnostics);
  if (lines) fmt::print(stderr, "{}", *lines);
  if (!applied) return complain(problem_detail(*reply));
  fmt::print("configuration applied\n");
  return kExitOk;
}

CLI::App& add_command(CLI::App& app, const char* name, const char* description,
                      const std::shared_ptr<Options>& options, Command& command,
                      int (*run)(const Options&)) {
  CLI::App& sub = *app.add_subcommand(name, description);
  sub.callback([&command, options, run] { command = [options, run] { return run(*options); }; });
  return sub;
}

}  // namespace

tl::expected<std::string, std::string> status_table(std::string_view json) {
  return read_reply(json, format_status);
}

tl::expected<std::string, std::string> endpoints_table(std::string_view json) {
  return read_reply(json, format_endpoints);
}

tl::expected<std::string, std::string> only_profile(std::string_view json, std::string_view name) {
  return only(json, "profiles", "profile", name);
}

void add_status_commands(CLI::App& app, Command& command) {
  const auto options = std::make_shared<Options>();
  CLI::App& checking =
      add_command(app, "check", "Check a configuration file", options, command, check);
  checking.add_option("FILE", options->file, "The configuration file")->required();
  checking.add_flag("--json", options->json, "Print JSON on one line");

  CLI::App& status = add_command(app, "status", "Show the status of profiles and their endpoints",
                                 options, command, show_status);
  status.add_option("PROFILE", options->profile, "Only this one");
  add_control_options(status, *options);

  CLI::App& endpoints = add_command(app, "endpoints", "Show the status of endpoints", options,
                                    command, show_endpoints);
  endpoints.add_option("ENDPOINT", options->endpoint, "Only this one, with each of its checks");
  add_control_options(endpoints, *options);
  add_control_options(
      add_command(app, "ready", "Tell whether queries are answered, and what does not work",
                  options, command, show_readiness),
      *options);
  add_control_options(
      add_command(app, "reload", "Load the configuration file again", options, command, reload),
      *options);
}

}  // namespace gslb::app
