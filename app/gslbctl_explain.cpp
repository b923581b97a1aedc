#include "app/gslbctl_explain.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/config_comparison.h"
#include "app/explain.h"
#include "app/gslbctl_client.h"

namespace gslb::app {
namespace {

constexpr int kFailed = kExitFailed;
constexpr int kUsageError = kExitUsage;
constexpr const char* kDefaultConfig = "/etc/gslbd/gslbd.toml";

struct Options {
  std::string name;
  std::string client;
  std::string type = "A";
  std::string control;
  std::string config;
  bool json = false;
};

int fail(int status, std::string_view message) {
  fmt::print(stderr, "gslbctl: {}\n", message);
  return status;
}

int explain_online(const Options& options) {
  const ControlOptions control{options.control, {}, options.json};
  std::string target = "/v1/explain?name=" + encode_query(options.name) +
                       "&client=" + encode_query(options.client) +
                       "&type=" + encode_query(options.type);
  if (!options.json) target += "&format=text";
  int status = kExitOk;
  const auto reply = ask_for_json(control, "GET", target, "", status);
  if (reply) fmt::print("{}{}", *reply, options.json ? "\n" : "");
  return status;
}

/// Null where the file has errors, which are printed.
std::shared_ptr<const Config> load(const std::string& file) {
  const ConfigResult loaded = load_config(file);
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    if (loaded.config) break;
    fmt::print(stderr, "{}\n", diagnostic.to_string());
  }
  return loaded.config;
}

int explain_from_file(const Options& options, const ExplainQuestion& question) {
  const auto config = load(options.config);
  if (!config) return kUsageError;
  const auto answer = explain_offline(*config, question);
  if (!answer) return fail(kFailed, answer.error());
  fmt::print("{}{}", options.json ? to_json(*answer) : to_text(*answer), options.json ? "\n" : "");
  return 0;
}

int diff(const Options& options) {
  const auto before = load(options.config);
  const auto after = load(options.name);
  if (!before || !after) return kUsageError;
  const ConfigComparison comparison = compare_configs(*before, *after);
  fmt::print("{}{}", options.json ? to_json(comparison) : to_text(comparison),
             options.json ? "\n" : "");
  return 0;
}

int explain(const Options& options) {
  const auto question = parse_explain_question(options.name, options.client, options.type);
  if (!question) return fail(kUsageError, question.error());
  return options.config.empty() ? explain_online(options) : explain_from_file(options, *question);
}

}  // namespace

void add_explain_command(CLI::App& app, Command& command) {
  const auto options = std::make_shared<Options>();
  CLI::App& explain_command =
      *app.add_subcommand("explain", "Tell which endpoint a client is sent to, and why");
  explain_command.add_option("NAME", options->name, "The DNS name that is asked for")->required();
  explain_command.add_option("--client", options->client, "The address or network of the client")
      ->required();
  explain_command.add_option("--type", options->type, "A or AAAA")->capture_default_str();
  CLI::Option* file = explain_command.add_option(
      "--config", options->config, "Ask this file, as if every site were Online, and no gslbd");
  explain_command.add_option("--control", options->control, "The control socket of gslbd")
      ->excludes(file);
  explain_command.add_flag("--json", options->json, "Print JSON");
  explain_command.callback(
      [options, &command] { command = [options] { return explain(*options); }; });
}

void add_diff_command(CLI::App& app, Command& command) {
  const auto options = std::make_shared<Options>();
  options->config = kDefaultConfig;
  CLI::App& diff_command = *app.add_subcommand(
      "diff", "Tell what another configuration would change, and which clients it would move");
  diff_command.add_option("FILE", options->name, "The other configuration")->required();
  diff_command.add_option("--config", options->config, "The configuration of today")
      ->capture_default_str();
  diff_command.add_flag("--json", options->json, "Print JSON");
  diff_command.callback([options, &command] { command = [options] { return diff(*options); }; });
}

}  // namespace gslb::app
