// The floor of the benchmark beside gdnsd: what a UDP server costs that decides nothing. One
// thread, one SO_REUSEPORT socket, blocking recvmmsg and sendmmsg as gslbd and gdnsd use them. Each
// packet goes back with the QR bit set (RFC 1035 §4.1.1) and 16 octets longer, the size of one A
// record behind a compressed name, so that the kernel moves as many bytes as for a real answer.
// dnsperf looks at the header only; no resolver would take these answers.
//
//   udp_echo [--port N] [--width N]     prints "listening on 127.0.0.1:PORT"; SIGTERM ends it

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kBufferSize = 2048;
constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kAnswerSize = 16;
constexpr std::uint8_t kQrBit = 0x80;
constexpr unsigned kDefaultWidth = 32;
constexpr unsigned kMaxWidth = 1024;

struct Options {
  std::uint16_t port = 0;
  unsigned width = kDefaultWidth;  ///< Packets per system call, at most.
};

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "udp_echo: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

[[noreturn]] void usage() {
  std::fprintf(stderr, "usage: udp_echo [--port 0-65535] [--width 1-%u]\n", kMaxWidth);
  std::exit(2);
}

unsigned long parse_number(const char* text, unsigned long min, unsigned long max) {
  char* end = nullptr;
  errno = 0;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < min || value > max) usage();
  return value;
}

Options parse_options(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); i += 2) {
    if (i + 1 == arguments.size()) usage();
    const std::string_view name = arguments[i];
    if (name == "--port") {
      options.port = static_cast<std::uint16_t>(parse_number(arguments[i + 1], 0, UINT16_MAX));
    } else if (name == "--width") {
      options.width = static_cast<unsigned>(parse_number(arguments[i + 1], 1, kMaxWidth));
    } else {
      usage();
    }
  }
  return options;
}

int open_socket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) die("SO_REUSEPORT");

  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0) die("bind");
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) die("getsockname");
  std::printf("listening on 127.0.0.1:%u\n", unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);
  return fd;
}

struct Packet {
  std::array<std::uint8_t, kBufferSize> data{};
  sockaddr_in peer{};
  iovec part{};
};

/// Turns the received packet into its answer, in place.
void answer(mmsghdr& message, Packet& packet) {
  packet.part.iov_len = message.msg_len;
  if (message.msg_len < kHeaderSize) return;
  packet.data[2] |= kQrBit;
  packet.part.iov_len += kAnswerSize;
}

[[noreturn]] void serve(int fd, unsigned width) {
  std::vector<Packet> packets(width);
  std::vector<mmsghdr> messages(width);
  for (unsigned i = 0; i < width; ++i) {
    packets[i].part.iov_base = packets[i].data.data();
    messages[i].msg_hdr.msg_name = &packets[i].peer;
    messages[i].msg_hdr.msg_iov = &packets[i].part;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  while (true) {
    for (unsigned i = 0; i < width; ++i) {
      packets[i].part.iov_len = kBufferSize - kAnswerSize;
      messages[i].msg_hdr.msg_namelen = sizeof packets[i].peer;
    }
    // Blocks for the first packet only, then takes what is there.
    const int received = ::recvmmsg(fd, messages.data(), width, MSG_WAITFORONE, nullptr);
    if (received < 0) {
      if (errno == EINTR) continue;
      die("recvmmsg");
    }
    const auto count = static_cast<unsigned>(received);
    for (unsigned i = 0; i < count; ++i) answer(messages[i], packets[i]);
    for (unsigned sent = 0; sent < count;) {
      const int result = ::sendmmsg(fd, messages.data() + sent, count - sent, 0);
      // A packet that cannot be sent is skipped: the load generator counts it as lost.
      sent += result > 0 ? static_cast<unsigned>(result) : 1U;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options({argv, static_cast<std::size_t>(argc)});
  serve(open_socket(options.port), options.width);
}
