// Strangers who hold connections, and what it does to everybody else.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <regex>
#include <thread>

#include "dns/sockaddr.h"
#include "dns/wire.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/test_snapshot.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::Bytes;

/// One connection from an address of its own choice; nothing is ever read from it.
base::UniqueFd connect_from(const base::IpAddress& source, const base::SocketAddress& server) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage;
  socklen_t size = dns::fill_sockaddr({source, 0}, storage);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return {};
  size = dns::fill_sockaddr(server, storage);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) fd.reset();
  return fd;
}

/// What the different kinds of hostile clients send, and then no more.
std::vector<Bytes> hostile_openings() {
  const Bytes query = support::with_length(support::make_query(kVpn, dns::type::kA));
  Bytes flood;
  for (int i = 0; i < 500; ++i) flood.insert(flood.end(), query.begin(), query.end());
  return {{},                                        // Silence.
          {0},                                       // Half a length.
          Bytes(query.begin(), query.end() - 1),     // All but the last octet.
          flood,                                     // Many queries, whose answers are not read.
          {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}};  // The beginning of a TLS handshake.
}

TEST(Hostile, TenThousandConnectionsHarmNobody) {
  constexpr int kConnections = 10'000;
  constexpr std::size_t kHeldOpen = 2'000;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);

  support::VpnSite site;
  Daemon daemon(site_and_spare(site.port()));
  ASSERT_TRUE(daemon.wait_for_log("endpoint london: CheckingEndpoint -> Online"));

  std::atomic<bool> done{false};
  std::atomic<int> opened{0};
  std::thread strangers([&] {
    const std::vector<Bytes> openings = hostile_openings();
    std::deque<base::UniqueFd> held;
    for (int i = 0; i < kConnections; ++i) {
      const auto host = static_cast<std::uint8_t>(1 + i % 200);
      base::UniqueFd fd = connect_from(base::IpAddress::v4({127, 0, 5, host}), daemon.address());
      if (!fd) continue;
      const Bytes& opening = openings[static_cast<std::size_t>(i) % openings.size()];
      ::send(fd.get(), opening.data(), opening.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      held.push_back(std::move(fd));
      if (held.size() > kHeldOpen) held.pop_front();
      ++opened;
    }
    done = true;
  });

  int asked = 0;
  std::chrono::microseconds slowest{0};
  support::UdpClient client(daemon.address());
  while (!done && !HasFailure()) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(client.ask(support::make_query(kVpn, dns::type::kA)));
    slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::microseconds>(
                                    std::chrono::steady_clock::now() - start));
    ++asked;
  }
  strangers.join();

  support::TcpClient honest(daemon.address());
  ASSERT_TRUE(honest.send(support::make_query(kVpn, dns::type::kA)));
  EXPECT_TRUE(honest.receive()) << "an honest client finds room";
  EXPECT_THAT(daemon.log(), testing::Not(testing::HasSubstr("-> Degraded")))
      << "probes must not lack descriptors";
  const long memory = daemon.process().resident_kb();
  EXPECT_TRUE(is_sanitized() || memory < 80'000) << memory << " kB resident";
  std::printf("%d hostile connections: %d UDP queries answered, the slowest in %lld us; %ld kB\n",
              opened.load(), asked, static_cast<long long>(slowest.count()), memory);
}

TEST(Hostile, HalfOpenTlsHarmsNobodyAndLeavesNoMemoryTaken) {
  support::TemporaryFolder folder;
  const std::string dir = folder.path();
  const support::Finished made = support::run(
      {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-days", "1", "-subj", "/CN=ns1", "-keyout", dir + "/key.pem", "-out", dir + "/cert.pem"});
  ASSERT_EQ(made.status, 0) << made.output;
  support::VpnSite site;
  Daemon daemon("tls_listen = [\"127.0.0.1:0\"]\ntls_certificate = \"" + dir +
                "/cert.pem\"\ntls_key = \"" + dir + "/key.pem\"\n" + site_and_spare(site.port()));
  std::smatch match;
  const std::string log = daemon.log();
  ASSERT_TRUE(std::regex_search(log, match, std::regex("listening on 127.0.0.1:(\\d+) \\(TLS")));
  const std::string port = match[1];
  const base::SocketAddress tls{daemon.address().ip, static_cast<std::uint16_t>(std::stoi(port))};

  const auto kdig = [&] {
    return support::run(
               {"kdig", "-b", "127.0.0.2", "@127.0.0.1", "-p", port, "+tls", "+timeout=10", kVpn})
        .output;
  };
  EXPECT_THAT(kdig(), testing::HasSubstr("NOERROR"));
  const long at_rest = daemon.process().resident_kb();
  // A ClientHello that never ends, on more connections than there may be.
  const Bytes opening = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
  std::vector<base::UniqueFd> held;
  for (int i = 0; i < 1'500; ++i) {
    const auto host = static_cast<std::uint8_t>(1 + i % 200);
    base::UniqueFd fd = connect_from(base::IpAddress::v4({127, 0, 6, host}), tls);
    ASSERT_TRUE(fd) << i;
    ::send(fd.get(), opening.data(), opening.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    held.push_back(std::move(fd));
  }
  EXPECT_THAT(kdig(), testing::HasSubstr("NOERROR")) << "an honest client finds room";
  EXPECT_THAT(daemon.ask(kVpn, dns::type::kA).rcode, "NOERROR");
  const long crowded = daemon.process().resident_kb();
  held.clear();

  if (is_sanitized()) return;
  EXPECT_LT(crowded, 200'000) << "kB resident";
  const auto until = std::chrono::steady_clock::now() + support::kPatience;
  long left = crowded;
  while (left > at_rest + (crowded - at_rest) / 3 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    left = daemon.process().resident_kb();
  }
  EXPECT_LE(left, at_rest + (crowded - at_rest) / 3) << "kB resident, " << crowded << " before";
  std::printf("half-open TLS: %ld kB resident at rest, %ld crowded, %ld after\n", at_rest, crowded,
              left);
}

}  // namespace
}  // namespace gslb::blackbox
