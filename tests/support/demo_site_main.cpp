// gslbd-demo-site: one VPN site to play with. SIGUSR1 makes it sick, SIGUSR2 well again.

#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "base/ip_address.h"
#include "tests/support/vpn_site.h"

namespace {

using gslb::support::SiteBehaviour;
using gslb::support::VpnSite;

void say(const std::string& text) {
  std::puts(text.c_str());
  std::fflush(stdout);
}

/// Until SIGTERM or SIGINT.
void serve(VpnSite& site, const sigset_t& signals) {
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) return;
    switch (signal) {
      case SIGUSR1:
        site.set_behaviour(SiteBehaviour::kStatus404);
        say("sick: answers 404");
        break;
      case SIGUSR2:
        site.set_behaviour(SiteBehaviour::kHealthy);
        say("healthy: answers 401 on the SSTP path");
        break;
      default:
        return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string listen = "127.0.1.1:8443";
  VpnSite::Options options;
  CLI::App app(
      "A local VPN site for demonstrations: TLS, and 401 on the SSTP path.\n"
      "SIGUSR1 makes it sick (404), SIGUSR2 well again, SIGTERM and SIGINT end it.");
  app.add_option("--listen", listen, "Address and port; port 0 picks one")->capture_default_str();
  app.add_option("--name", options.name, "Name in the certificate")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const auto address = gslb::base::parse_socket_address(listen);
  if (!address) {
    std::fprintf(stderr, "gslbd-demo-site: --listen %s: expected ADDRESS:PORT or [ADDRESS]:PORT\n",
                 listen.c_str());
    return 2;
  }
  options.listen = *address;

  // Blocked before the site starts its thread, which inherits it: only sigwait() gets them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  try {
    VpnSite site(options);
    say("listening on " + gslb::base::to_string(site.address()) + " as " + options.name);
    serve(site, signals);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gslbd-demo-site: %s\n", error.what());
    return 1;
  }
  return 0;
}
