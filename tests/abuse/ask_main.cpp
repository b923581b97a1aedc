// An honest client: asks at a steady rate, each query from a new port as resolvers do, comes back
// over TCP where TC tells it to, and asks again where nothing comes. Prints how it fared.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/test_snapshot.h"

namespace gslb::abuse {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using support::Bytes;

constexpr std::size_t kClientCookie = 8;
constexpr std::size_t kFullCookie = 24;

struct Options {
  std::string to;
  std::uint16_t port = 53;
  int rate = 100;
  int count = 100;
  int tries = 1;
  int timeout_ms = 1000;
  bool cookie = false;
};

struct Tally {
  int answered = 0;  ///< In the end.
  int over_tcp = 0;  ///< Of them, after TC.
  int repeated = 0;  ///< Queries over UDP that nothing came back to.
  std::vector<double> latency_ms;
};

bool is_answer(const Bytes& response, std::uint16_t id) {
  return response.size() >= dns::kHeaderSize && dns::load_u16(&response[0]) == id &&
         (dns::load_u16(&response[2]) & 0x000F) == dns::rcode::kNoError;
}

bool is_truncated(const Bytes& response) {
  return (dns::load_u16(&response[2]) & dns::flag::kTc) != 0;
}

class HonestClient {
 public:
  HonestClient(const Options& options, const base::SocketAddress& server)
      : options_(options), server_(server) {}

  Tally run() {
    if (options_.cookie) learn_cookie();
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < options_.count; ++i) {
      std::this_thread::sleep_until(start +
                                    std::chrono::nanoseconds(1'000'000'000LL * i / options_.rate));
      ask(static_cast<std::uint16_t>(i));
    }
    return tally_;
  }

 private:
  Bytes make_query(std::uint16_t id) const {
    Bytes query = support::make_query("vpn.gslb.example.com", dns::type::kA, 1232, id);
    if (cookie_.empty()) return query;
    dns::store_u16(&query[query.size() - 2], static_cast<std::uint16_t>(4 + cookie_.size()));
    query.insert(query.end(),
                 {0, dns::edns_option::kCookie, 0, static_cast<std::uint8_t>(cookie_.size())});
    query.insert(query.end(), cookie_.begin(), cookie_.end());
    return query;
  }

  /// Asks for a server cookie over TCP, which is never limited (RFC 7873 §5.2.3). The cookie is the
  /// last thing in the response.
  void learn_cookie() {
    cookie_ = {1, 2, 3, 4, 5, 6, 7, 8};
    static_assert(kClientCookie == 8);
    support::TcpClient tcp(server_);
    if (!tcp.connected() || !tcp.send(make_query(1))) return;
    const auto response = tcp.receive();
    if (response && response->size() > kFullCookie) {
      cookie_.assign(response->end() - kFullCookie, response->end());
    }
  }

  void ask(std::uint16_t id) {
    const Bytes query = make_query(id);
    const Clock::time_point start = Clock::now();
    for (int attempt = 0; attempt < options_.tries; ++attempt) {
      support::UdpClient udp(server_);
      const auto response = udp.ask(query, milliseconds(options_.timeout_ms));
      if (!response || !is_answer(*response, id)) {
        ++tally_.repeated;
        continue;
      }
      const bool answered = !is_truncated(*response) || ask_over_tcp(query, id);
      if (!answered) continue;
      ++tally_.answered;
      tally_.latency_ms.push_back(
          std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      return;
    }
  }

  bool ask_over_tcp(const Bytes& query, std::uint16_t id) {
    support::TcpClient tcp(server_);
    if (!tcp.connected() || !tcp.send(query)) return false;
    const auto response = tcp.receive(milliseconds(options_.timeout_ms));
    if (!response || !is_answer(*response, id)) return false;
    ++tally_.over_tcp;
    return true;
  }

  const Options& options_;
  base::SocketAddress server_;
  Bytes cookie_;
  Tally tally_;
};

double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace
}  // namespace gslb::abuse

int main(int argc, char** argv) {
  using namespace gslb;
  abuse::Options options;
  CLI::App app("Asks a DNS server at a steady rate, and tells how long answers took.", "ask");
  app.add_option("--to", options.to, "The server")->required();
  app.add_option("--port", options.port, "Its port");
  app.add_option("--rate", options.rate, "Queries per second")->check(CLI::PositiveNumber);
  app.add_option("--count", options.count, "Queries in all")->check(CLI::PositiveNumber);
  app.add_option("--tries", options.tries, "How often a query is sent")->check(CLI::PositiveNumber);
  app.add_option("--timeout", options.timeout_ms, "Milliseconds until it is sent again");
  app.add_flag("--cookie", options.cookie, "Show a server cookie that was learnt over TCP");
  CLI11_PARSE(app, argc, argv);

  const auto server = base::parse_ip_address(options.to);
  if (!server) {
    std::fprintf(stderr, "ask: --to must be an address\n");
    return 2;
  }
  abuse::Tally tally = abuse::HonestClient(options, {*server, options.port}).run();
  std::sort(tally.latency_ms.begin(), tally.latency_ms.end());
  std::printf("asked=%d answered=%d tcp=%d repeated=%d p50=%.2f p99=%.2f max=%.2f\n", options.count,
              tally.answered, tally.over_tcp, tally.repeated,
              abuse::quantile(tally.latency_ms, 0.5), abuse::quantile(tally.latency_ms, 0.99),
              abuse::quantile(tally.latency_ms, 1));
  return 0;
}
