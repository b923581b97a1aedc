// How long from the failure of a site to the first answer without it: 200 sites, each with a
// profile of its own, fail at random times; each profile is asked every few milliseconds meanwhile.
//
//   detection_bench GSLBD [INTERVAL_S [SITES]]

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/message.h"
#include "tests/support/process.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/vpn_site.h"

namespace {

using namespace gslb;
using Clock = std::chrono::steady_clock;
using std::chrono::duration;
using std::chrono::milliseconds;

constexpr int kTolerated = 1;
constexpr milliseconds kTimeout{500};
constexpr milliseconds kPace{4};  ///< Between two rounds of questions.

std::string owner_of(std::size_t site) { return "p" + std::to_string(site) + ".gslb.example.com"; }

std::string config_for(const std::vector<std::unique_ptr<support::VpnSite>>& sites,
                       unsigned interval) {
  std::string text = R"([server]
listen = ["127.0.0.1:0"]
control = "control.sock"
[health]
max_probes_per_target = 100000
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[endpoint.spare]
addresses = ["203.0.113.20"]
)";
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const std::string name = std::to_string(i);
    text += "[monitor.m" + name + "]\npreset = \"sstp\"\ncertificate = \"ignore\"\nport = " +
            std::to_string(sites[i]->port()) + "\ninterval = \"" + std::to_string(interval) +
            "s\"\ntimeout = \"" + std::to_string(kTimeout.count()) +
            "ms\"\ntolerated_failures = " + std::to_string(kTolerated) + "\n[endpoint.e" + name +
            "]\naddresses = [\"127.0.0.1\"]\nmonitors = [\"m" + name + "\"]\n[profile.p" + name +
            "]\nname = \"" + owner_of(i) +
            "\"\nmethod = \"priority\"\nendpoints = [{ endpoint = \"e" + name +
            "\" }, { endpoint = \"spare\" }]\n";
  }
  return text;
}

struct Trial {
  std::size_t site = 0;
  Clock::time_point due;
  Clock::time_point failed;
  bool has_failed = false;
  double seconds = -1;  ///< Until the answer changed; below 0 while it has not.
};

/// Asks for each site that has failed and is still answered, all at once, and notes changes.
void ask_all(support::UdpClient& client, std::vector<Trial>& trials) {
  std::size_t open = 0;
  for (const Trial& trial : trials) {
    if (!trial.has_failed || trial.seconds >= 0) continue;
    client.send(support::make_query(owner_of(trial.site), dns::type::kA));
    ++open;
  }
  for (; open > 0; --open) {
    const auto bytes = client.receive(milliseconds(200));
    if (!bytes) return;
    const auto message = support::parse_message(*bytes);
    if (!message || message->answer.empty()) continue;
    const std::string& record = message->answer.front();
    if (!record.ends_with("203.0.113.20")) continue;
    const std::size_t site = std::strtoul(record.c_str() + 1, nullptr, 10);
    for (Trial& trial : trials) {
      if (trial.site == site && trial.seconds < 0) {
        trial.seconds = duration<double>(Clock::now() - trial.failed).count();
      }
    }
  }
}

int measure(const std::string& gslbd, unsigned interval, std::size_t count) {
  std::vector<std::unique_ptr<support::VpnSite>> sites;
  for (std::size_t i = 0; i < count; ++i) sites.push_back(std::make_unique<support::VpnSite>());
  const support::TemporaryFolder folder;
  const auto file = folder.path() / "gslbd.toml";
  support::write_file(file, config_for(sites, interval));
  support::Process daemon({gslbd, "--config", file.string()});
  const auto at = daemon.wait_for_output("listening on ");
  if (!at || !daemon.wait_for_output("serving ")) {
    std::fprintf(stderr, "%s\n", daemon.output().c_str());
    return 1;
  }
  const std::string log = daemon.output();
  const auto address = base::parse_socket_address(log.substr(*at, log.find(' ', *at) - *at));
  for (std::size_t i = 0; i < count; ++i) {
    if (!daemon.wait_for_output("endpoint e" + std::to_string(i) + ": CheckingEndpoint -> Online",
                                0, std::chrono::seconds(60))) {
      std::fprintf(stderr, "%s\n", daemon.output().c_str());
      return 1;
    }
  }

  // Half of them refuse connections, half hang, which is found out a timeout later.
  std::mt19937 random(1);
  std::uniform_real_distribution<double> when(0, 4.0 * interval + 10);
  std::vector<Trial> trials;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    Trial trial;
    trial.site = i;
    trial.due = start + std::chrono::duration_cast<Clock::duration>(duration<double>(when(random)));
    trials.push_back(trial);
  }
  support::UdpClient client(*address);
  const auto is_open = [](const Trial& trial) { return trial.seconds < 0; };
  while (std::any_of(trials.begin(), trials.end(), is_open)) {
    for (Trial& trial : trials) {
      if (trial.has_failed || Clock::now() < trial.due) continue;
      trial.has_failed = true;
      sites[trial.site]->set_behaviour(trial.site % 2 == 0
                                           ? support::SiteBehaviour::kClosed
                                           : support::SiteBehaviour::kHangAfterAccept);
      trial.failed = Clock::now();
    }
    ask_all(client, trials);
    std::this_thread::sleep_for(kPace);
    if (Clock::now() - start > std::chrono::minutes(5)) return 1;
  }

  std::vector<double> seconds;
  for (const Trial& trial : trials) seconds.push_back(trial.seconds);
  std::sort(seconds.begin(), seconds.end());
  const double bound = interval * (kTolerated + 1) + duration<double>(kTimeout).count() + 0.1;
  const double worst = seconds.back();
  std::printf(
      "interval %u s, tolerated_failures %d, timeout %.1f s, %zu failures: "
      "p50 %.2f s, p99 %.2f s, max %.2f s; bound %.2f s: %s\n",
      interval, kTolerated, duration<double>(kTimeout).count(), count, seconds[count / 2],
      seconds[count * 99 / 100], worst, bound, worst <= bound ? "kept" : "NOT KEPT");
  return worst <= bound ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: detection_bench GSLBD [INTERVAL_S [SITES]]\n");
    return 2;
  }
  const auto number = [&](int at, unsigned long usual) {
    return argc > at ? std::strtoul(argv[at], nullptr, 10) : usual;
  };
  return measure(argv[1], static_cast<unsigned>(number(2, 1)), number(3, 200));
}
