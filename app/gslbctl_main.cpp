#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "app/gslbctl_explain.h"
#include "app/gslbctl_health.h"
#include "app/gslbctl_keys.h"
#include "app/gslbctl_latency.h"
#include "app/gslbctl_status.h"

namespace {

constexpr int kFailed = 1;
constexpr int kUsageError = 2;

int run(int argc, char** argv) {
  CLI::App app{"gslbctl, the command line tool of the name server gslbd", "gslbctl"};
  app.set_version_flag("--version", std::string("gslbctl ") + GSLB_VERSION);
  app.require_subcommand(1);
  app.footer("Exit status: 0 fine, 1 no or failed, 2 usage, 3 gslbd not reachable.");
  gslb::app::Command command;
  gslb::app::add_explain_command(app, command);
  gslb::app::add_diff_command(app, command);
  gslb::app::add_status_commands(app, command);
  gslb::app::add_health_commands(app, command);
  gslb::app::add_latency_commands(app, command);
  gslb::app::add_keys_commands(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  return command();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "gslbctl: {}\n", error.what());
    return kFailed;
  }
}
