#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "app/config.h"
#include "app/logging.h"
#include "app/server.h"

namespace {

constexpr int kUsageError = 2;

void print_diagnostics(const gslb::app::Diagnostics& diagnostics) {
  for (const auto& diagnostic : diagnostics) fmt::print(stderr, "{}\n", diagnostic.to_string());
}

int run(int argc, char** argv) {
  CLI::App app{"gslbd, a GSLB authoritative DNS server with health monitoring", "gslbd"};
  std::string file = "/etc/gslbd/gslbd.toml";
  bool check = false;
  app.add_option("--config", file, "Configuration file")->capture_default_str()->type_name("FILE");
  app.add_flag("--check", check, "Check the configuration file and exit");
  app.set_version_flag("--version", std::string("gslbd ") + GSLB_VERSION);
  app.footer(
      "Runs in the foreground. SIGHUP reloads the file, SIGTERM ends.\nExit status: 0 fine, 1 "
      "failed to start, 2 usage or configuration error.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }

  const gslb::app::ConfigResult result = gslb::app::load_config(file);
  print_diagnostics(result.diagnostics);
  if (!result.config) return kUsageError;
  if (check) {
    fmt::print("{}: valid: {} zones, {} profiles, {} endpoints\n", file,
               result.config->zones.size(), result.config->profiles.size(),
               result.config->endpoints.size());
    return 0;
  }
  gslb::app::set_up_logging();
  return gslb::app::run_server(file, result.config);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "gslbd: {}\n", error.what());
    return 1;
  }
}
