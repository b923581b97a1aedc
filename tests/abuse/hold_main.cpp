// Hostile clients who connect, begin something, and stop: to the DNS port as hostile_test.cpp does,
// and to that of DNS over TLS before, within and after the ClientHello. Connections are kept until
// the time is up, whatever the server does with them.

#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "base/unique_fd.h"
#include "dns/sockaddr.h"
#include "dns/wire.h"
#include "tests/support/dns_client.h"
#include "tests/support/test_snapshot.h"

namespace gslb::abuse {
namespace {

using Clock = std::chrono::steady_clock;
using support::Bytes;

/// Connections that are opened at once: less than the server's backlog.
constexpr int kBatch = 200;
constexpr std::chrono::milliseconds kConnectTimeout{3000};

struct Options {
  std::string to;
  std::uint16_t port = 53;
  bool tls = false;
  std::string from;
  int sources = 1000;
  int connections = 10'000;
  int seconds = 5;
};

std::vector<Bytes> tcp_openings() {
  const Bytes query =
      support::with_length(support::make_query("vpn.gslb.example.com", dns::type::kA));
  Bytes pipelined;
  for (int i = 0; i < 500; ++i) pipelined.insert(pipelined.end(), query.begin(), query.end());
  return {{},                                     // Silence.
          {0},                                    // Half a length.
          Bytes(query.begin(), query.end() - 1),  // All but the last octet.
          pipelined};                             // Many queries, whose answers are not read.
}

/// What a TLS client says first.
Bytes client_hello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), SSL_free);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(tls.get(), BIO_new(BIO_s_mem()), out);  // Owns both.
  SSL_set_connect_state(tls.get());
  SSL_do_handshake(tls.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, data + size};
}

std::vector<Bytes> tls_openings() {
  const Bytes hello = client_hello();
  const Bytes half(hello.begin(), hello.begin() + static_cast<std::ptrdiff_t>(hello.size() / 2));
  return {{}, half, hello};
}

/// Opens connections to one port, in turn from each source.
class Holder {
 public:
  Holder(const base::SocketAddress& server, const base::IpAddress& first_source, int sources,
         std::vector<Bytes> openings)
      : server_(server),
        first_source_(first_source),
        sources_(sources),
        openings_(std::move(openings)) {}

  void open(int count) {
    while (count > 0) {
      const int now = std::min(count, kBatch);
      open_batch(now);
      count -= now;
    }
  }

  int opened() const { return opened_; }
  int failed() const { return failed_; }

 private:
  base::UniqueFd connect_from(const base::IpAddress& source) const {
    base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_storage storage;
    socklen_t size = dns::fill_sockaddr({source, 0}, storage);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) return {};
    size = dns::fill_sockaddr(server_, storage);
    const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), size);
    if (result != 0 && errno != EINPROGRESS) fd.reset();
    return fd;
  }

  base::IpAddress source(int number) const {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : first_source_.bytes()) value = value << 8 | byte;
    value += static_cast<std::uint32_t>(number % sources_);
    return base::IpAddress::v4(
        {static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
         static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
  }

  void open_batch(int count) {
    std::vector<base::UniqueFd> batch;
    batch.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) batch.push_back(connect_from(source(next_++)));
    const Clock::time_point until = Clock::now() + kConnectTimeout;
    for (base::UniqueFd& fd : batch) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      pollfd poll_fd{fd.get(), POLLOUT, 0};
      const bool writable = fd && ::poll(&poll_fd, 1, static_cast<int>(std::max(left, 0L))) > 0 &&
                            (poll_fd.revents & POLLERR) == 0;
      if (!writable) {
        ++failed_;
        continue;
      }
      const Bytes& opening = openings_[static_cast<std::size_t>(opened_++) % openings_.size()];
      if (!opening.empty()) {
        ::send(fd.get(), opening.data(), opening.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      }
      held_.push_back(std::move(fd));
    }
  }

  base::SocketAddress server_;
  base::IpAddress first_source_;
  int sources_;
  std::vector<Bytes> openings_;
  std::vector<base::UniqueFd> held_;
  int next_ = 0;
  int opened_ = 0;
  int failed_ = 0;
};

int hold(const Options& options, const base::IpAddress& server, const base::IpAddress& source) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto wanted = static_cast<rlim_t>(options.connections) + 100;
  files.rlim_cur = std::max(files.rlim_cur, wanted);
  files.rlim_max = std::max(files.rlim_max, wanted);  // Root may raise it.
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) {
    std::fprintf(stderr, "hold: %llu descriptors are needed: %s\n",
                 static_cast<unsigned long long>(wanted), std::strerror(errno));
    return 1;
  }

  Holder holder({server, options.port}, source, options.sources,
                options.tls ? tls_openings() : tcp_openings());
  const Clock::time_point start = Clock::now();
  holder.open(options.connections);
  const std::chrono::duration<double> took = Clock::now() - start;
  std::printf("opened=%d failed=%d seconds=%.2f\n", holder.opened(), holder.failed(), took.count());
  std::fflush(stdout);
  std::this_thread::sleep_for(std::chrono::seconds(options.seconds));
  return 0;
}

}  // namespace
}  // namespace gslb::abuse

int main(int argc, char** argv) {
  using namespace gslb;
  abuse::Options options;
  CLI::App app("Opens connections, begins something on each, and holds them.", "hold");
  app.add_option("--to", options.to, "The server, IPv4")->required();
  app.add_option("--port", options.port, "Its port");
  app.add_flag("--tls", options.tls, "Begin as a client of DNS over TLS does");
  app.add_option("--from", options.from, "The first address to connect from")->required();
  app.add_option("--sources", options.sources, "How many addresses")->check(CLI::PositiveNumber);
  app.add_option("--connections", options.connections, "Connections in all");
  app.add_option("--seconds", options.seconds, "How long to hold them once all are open");
  CLI11_PARSE(app, argc, argv);

  const auto server = base::parse_ip_address(options.to);
  const auto source = base::parse_ip_address(options.from);
  if (!server || !source || server->is_v6() || source->is_v6()) {
    std::fprintf(stderr, "hold: --to and --from must be IPv4 addresses\n");
    return 2;
  }
  return abuse::hold(options, *server, *source);
}
