#include "app/gslbctl_explain.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/explain.h"

namespace gslb::app {
namespace {

constexpr int kFailed = 1;
constexpr int kUsageError = 2;

struct Options {
  std::string name;
  std::string client;
  std::string type = "A";
  std::string config;
  bool json = false;
};

int fail(int status, std::string_view message) {
  fmt::print(stderr, "gslbctl: {}\n", message);
  return status;
}

int explain_from_file(const Options& options, const ExplainQuestion& question) {
  const ConfigResult loaded = load_config(options.config);
  if (!loaded.config) {
    for (const Diagnostic& diagnostic : loaded.diagnostics) {
      fmt::print(stderr, "{}\n", diagnostic.to_string());
    }
    return kUsageError;
  }
  const auto answer = explain_offline(*loaded.config, question);
  if (!answer) return fail(kFailed, answer.error());
  fmt::print("{}{}", options.json ? to_json(*answer) : to_text(*answer), options.json ? "\n" : "");
  return 0;
}

int explain(const Options& options) {
  const auto question = parse_explain_question(options.name, options.client, options.type);
  if (!question) return fail(kUsageError, question.error());
  return explain_from_file(options, *question);
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
  explain_command.add_option("--config", options->config,
                             "Ask this file, as if every site were Online");
  explain_command.add_flag("--json", options->json, "Print JSON");
  explain_command.callback(
      [options, &command] { command = [options] { return explain(*options); }; });
}

}  // namespace gslb::app
