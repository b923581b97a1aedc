// DNS over TCP, however the stream is cut: a real TcpServer on a loopback connection answers
// exactly the complete messages in it, in order, and closes.
//
// Input: one octet (bits 0 to 2: the number of chunk sizes; bit 7: the client breaks off without
// reading), the chunk sizes, the stream.

#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "dns/answer.h"
#include "dns/listen.h"
#include "dns/sockaddr.h"
#include "dns/tcp_server.h"
#include "dns/wire.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"

namespace gslb {
namespace {

using fuzz::require;
using Bytes = std::vector<std::uint8_t>;

/// As dns/tcp_server.cpp has it.
constexpr std::size_t kMaxQuery = 4096;

/// Without random choices, so that the responses can be told in advance.
std::shared_ptr<const zones::Snapshot> make_snapshot() {
  support::SnapshotMaker maker;
  std::vector<std::string> addresses;
  for (int i = 1; i <= 200; ++i) addresses.push_back("198.51.100." + std::to_string(i));
  maker.profile("vpn.gslb.example.com", routing::Method::kPriority,
                {{maker.endpoint("site", {"203.0.113.10"}), 1, 1}});
  maker.profile("fat.gslb.example.com", routing::Method::kPriority,
                {{maker.endpoint("fat", addresses), 1, 1}});
  return maker.snapshot();
}

class Server {
 public:
  Server() {
    auto sockets = dns::open_listen_sockets({base::IpAddress::v4({127, 0, 0, 1}), 0}, 0);
    require(sockets.has_value(), "the server can listen");
    address_ = sockets->address;
    std::vector<dns::TcpListener> listeners;
    listeners.push_back({std::move(sockets->tcp), false});
    server_ =
        std::make_unique<dns::TcpServer>(std::move(listeners), published_, dns::TcpLimits{}, 1);
    server_->start();
  }

  const base::SocketAddress& address() const { return address_; }
  const zones::Snapshot& snapshot() const { return *snapshot_; }

 private:
  std::shared_ptr<const zones::Snapshot> snapshot_ = make_snapshot();
  zones::Published published_{snapshot_};
  base::SocketAddress address_;
  std::unique_ptr<dns::TcpServer> server_;
};

/// A connection that ends the process where the server does not accept or is silent too long.
class Client {
 public:
  explicit Client(const base::SocketAddress& server)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // Another address for each connection: one has too few ports for those in TIME_WAIT.
    static unsigned connections = 0;
    ++connections;
    const auto octet = [](unsigned n) { return static_cast<std::uint8_t>(1 + n % 250); };
    sockaddr_storage from;
    const socklen_t from_size = dns::fill_sockaddr(
        {base::IpAddress::v4({127, 1, octet(connections / 250), octet(connections)}), 0}, from);
    require(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from), from_size) == 0,
            "a loopback address is free");
    constexpr timeval kPatience{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    sockaddr_storage to;
    const socklen_t to_size = dns::fill_sockaddr(server, to);
    require(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), to_size) == 0,
            "the server accepts");
  }

  /// False where the server has closed.
  bool send(std::span<const std::uint8_t> chunk) {
    return ::send(fd_.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(chunk.size());
  }

  /// Says that nothing more comes, and takes what the server sends until it closes.
  Bytes finish() {
    ::shutdown(fd_.get(), SHUT_WR);
    Bytes received;
    std::array<std::uint8_t, 16'384> block;
    for (;;) {
      const ssize_t size = ::recv(fd_.get(), block.data(), block.size(), 0);
      if (size == 0 || (size < 0 && errno == ECONNRESET)) return received;
      require(size > 0, "the server closes the connection");
      received.insert(received.end(), block.begin(), block.begin() + size);
    }
  }

  /// The server gets ECONNRESET.
  void break_off() {
    constexpr linger kReset{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof kReset);
  }

 private:
  base::UniqueFd fd_;
};

/// What the stream asks for.
struct Expected {
  Bytes responses;
  bool cut_off = false;  ///< By a message that may not be answered or is too large.
};

/// The framing of RFC 1035 §4.2.2 over a whole stream, as simple as it can be.
Expected expected_of(const zones::Snapshot& snapshot, std::span<const std::uint8_t> stream) {
  static std::array<std::uint8_t, dns::kMaxMessageSize> out;
  const dns::Client client{base::IpAddress::v4({127, 0, 0, 1}), dns::Transport::kTcp,
                           static_cast<std::uint16_t>(dns::TcpLimits{}.idle_timeout.count() / 100)};
  dns::Scratch scratch(1);
  Expected expected;
  while (stream.size() >= 2) {
    const std::size_t length = dns::load_u16(stream.data());
    expected.cut_off = length > kMaxQuery;
    if (expected.cut_off || stream.size() - 2 < length) break;
    const std::size_t size = dns::answer(snapshot, client, stream.subspan(2, length), out, scratch);
    expected.cut_off = size == 0;
    if (expected.cut_off) break;
    expected.responses.push_back(static_cast<std::uint8_t>(size >> 8));
    expected.responses.push_back(static_cast<std::uint8_t>(size));
    expected.responses.insert(expected.responses.end(), out.begin(),
                              out.begin() + static_cast<std::ptrdiff_t>(size));
    stream = stream.subspan(2 + length);
  }
  return expected;
}

void check_readable(std::span<const std::uint8_t> responses) {
  while (responses.size() >= 2) {
    const std::size_t length = dns::load_u16(responses.data());
    if (responses.size() - 2 < length) return;
    require(support::parse_message(responses.subspan(2, length)).has_value(),
            "ldns can read each response");
    responses = responses.subspan(2 + length);
  }
}

void check(const Server& server, std::span<const std::uint8_t> chunk_sizes, bool breaks_off,
           std::span<const std::uint8_t> stream) {
  const Expected expected = expected_of(server.snapshot(), stream);
  Client client(server.address());
  for (std::size_t i = 0; !stream.empty(); ++i) {
    const std::size_t size =
        chunk_sizes.empty()
            ? stream.size()
            : std::min<std::size_t>(1 + chunk_sizes[i % chunk_sizes.size()], stream.size());
    if (!client.send(stream.first(size))) break;
    stream = stream.subspan(size);
    ::sched_yield();  // Lets the server read the chunk by itself, most times.
  }
  if (breaks_off) return client.break_off();

  const Bytes received = client.finish();
  check_readable(received);
  require(received.size() <= expected.responses.size() &&
              std::equal(received.begin(), received.end(), expected.responses.begin()),
          "the responses are those of the messages in the stream, in order");
  // The kernel resets a connection that is closed with input unread, and may drop output then.
  require(expected.cut_off || received.size() == expected.responses.size(),
          "every complete message is answered");
}

}  // namespace
}  // namespace gslb

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  static const Server server;
  fuzz::Input input(data, size);
  const std::uint8_t options = input.octet();
  std::vector<std::uint8_t> chunk_sizes(options & 7U);
  for (std::uint8_t& chunk_size : chunk_sizes) chunk_size = input.octet();
  check(server, chunk_sizes, (options & 0x80) != 0, input.rest());
  return 0;
}
