#include "health/icmp_prober.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/generic/datagram_protocol.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <span>
#include <utility>

#include "health/asio_address.h"
#include "health/probe_run.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::datagram_protocol::socket;

constexpr std::uint8_t kEchoRequestV4 = 8;  // RFC 792
constexpr std::uint8_t kEchoReplyV4 = 0;
constexpr std::uint8_t kEchoRequestV6 = 128;  // RFC 4443
constexpr std::uint8_t kEchoReplyV6 = 129;
constexpr std::size_t kHeader = 8;
constexpr std::size_t kCookie = 16;
constexpr std::size_t kCookieAt = kHeader;
constexpr int kMaxRequests = 3;

/// RFC 1071
std::uint16_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += std::uint32_t{bytes[i]} << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

class IcmpProbe final : public ProbeRun {
 public:
  IcmpProbe(asio::io_context& io, std::shared_ptr<const MonitorSpec> monitor,
            const base::IpAddress& address, Prober::Callback callback)
      : ProbeRun(io, std::move(monitor), std::move(callback)),
        peer_(to_asio(address), 0),
        is_v6_(address.is_v6()),
        socket_(io),
        resend_(io) {}

 private:
  void run() override {
    if (const int error = open(); error != 0) {
      const bool is_forbidden = error == EACCES || error == EPERM;
      return is_forbidden
                 ? fail(
                       "not permitted to send ICMP; allow net.ipv4.ping_group_range for the group "
                       "of gslbd, or give it CAP_NET_RAW",
                       Outcome::kLocalFault)
                 : fail_by_errno(error, "cannot open a socket: ");
    }
    RAND_bytes(request_.data() + kCookieAt, kCookie);
    send();
    receive();
  }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
    resend_.cancel();
  }

  std::string stage() const override {
    return fmt::format("no answer to {} ICMP echo request{}", sent_, sent_ == 1 ? "" : "s");
  }

  /// 0, or an errno. The socket is connected, so that the kernel passes on what comes from the peer
  /// alone, and tells of its errors.
  int open() {
    const int family = is_v6_ ? AF_INET6 : AF_INET;
    const int protocol = is_v6_ ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
    constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    int descriptor = ::socket(family, SOCK_DGRAM | kFlags, protocol);
    if (descriptor < 0 && (errno == EACCES || errno == EPERM)) {
      descriptor = ::socket(family, SOCK_RAW | kFlags, protocol);
      is_raw_ = true;
    }
    if (descriptor < 0) return errno;
    error_code error;
    socket_.assign({family, protocol}, descriptor, error);
    if (error) {
      ::close(descriptor);
      return error.value();
    }
    const int yes = 1;
    ::setsockopt(descriptor, is_v6_ ? static_cast<int>(IPPROTO_IPV6) : static_cast<int>(IPPROTO_IP),
                 is_v6_ ? IPV6_RECVERR : IP_RECVERR, &yes, sizeof(yes));
    socket_.connect(peer_, error);
    return error.value();
  }

  void send() {
    ++sent_;
    request_[0] = is_v6_ ? kEchoRequestV6 : kEchoRequestV4;
    request_[7] = static_cast<std::uint8_t>(sent_);  // The sequence number; the kernel sets the id.
    request_[2] = request_[3] = 0;
    const std::uint16_t sum = checksum(request_);  // Of ICMPv6 the kernel's own, RFC 3542 §3.1.
    request_[2] = static_cast<std::uint8_t>(sum >> 8);
    request_[3] = static_cast<std::uint8_t>(sum);
    error_code error;
    socket_.send(asio::buffer(request_), 0, error);
    // A full buffer is a loss like any other.
    if (error && error != asio::error::would_block) return fail_by_errno(error.value());
    if (sent_ == kMaxRequests) return;
    resend_.expires_after(monitor().timeout / kMaxRequests);
    resend_.async_wait([this, self = shared_from_this()](error_code failed) {
      if (!failed && !is_over()) send();
    });
  }

  void receive() {
    socket_.async_receive(asio::buffer(datagram_),
                          [this, self = shared_from_this()](error_code error, std::size_t size) {
                            if (is_over()) return;
                            if (error) return fail_by_errno(error.value());
                            if (!is_reply({datagram_.data(), size})) return receive();
                            record("echo reply");
                            succeed(fmt::format("echo reply after {:.1f} ms",
                                                static_cast<double>(elapsed().count()) / 1000));
                          });
  }

  /// A raw socket gets everything that comes from the peer, IPv4 with its header. What was drawn at
  /// random tells our replies from those to others.
  bool is_reply(std::span<const std::uint8_t> datagram) const {
    if (is_raw_ && !is_v6_) {
      const std::size_t header = datagram.empty() ? 0 : std::size_t{4} * (datagram[0] & 0x0fU);
      if (datagram.size() < header) return false;
      datagram = datagram.subspan(header);
    }
    return datagram.size() >= request_.size() &&
           datagram[0] == (is_v6_ ? kEchoReplyV6 : kEchoReplyV4) &&
           std::equal(request_.begin() + kCookieAt, request_.end(), datagram.begin() + kCookieAt);
  }

  asio::ip::udp::endpoint peer_;
  bool is_v6_;
  bool is_raw_ = false;
  Socket socket_;
  asio::steady_timer resend_;
  std::array<std::uint8_t, kHeader + kCookie> request_{};
  std::array<std::uint8_t, 1024> datagram_{};
  int sent_ = 0;
};

}  // namespace

std::unique_ptr<Pending> IcmpProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                           const base::IpAddress& address, Callback callback) {
  return ProbeRun::launch(
      std::make_shared<IcmpProbe>(io_, std::move(monitor), address, std::move(callback)));
}

}  // namespace gslb::health
