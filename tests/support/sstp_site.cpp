#include "tests/support/sstp_site.h"

#include <openssl/ssl.h>

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "tests/support/certificates.h"

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // See vpn_site.cpp.

namespace gslb::support {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::string_view_literals;
using Stream = ssl::stream<tcp::socket>;

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

// §2.2.10: version 1.0, C, length 48, CALL_CONNECT_ACK, one attribute: Crypto Binding Request of 40
// octets that allows SHA-1 and SHA-256, with a nonce of 32.
constexpr std::string_view kAck =
    "\x10\x01\x00\x30\x00\x02\x00\x01\x00\x04\x00\x28\x00\x00\x00\x03"
    "0123456789abcdefghijklmnopqrstuv"sv;
// §2.2.11: length 26, CALL_CONNECT_NAK, one attribute: Status Info of 18 octets on the Encapsulated
// Protocol ID, with status 6 (retry count exceeded), and the attribute's value.
constexpr std::string_view kNak =
    "\x10\x01\x00\x1a\x00\x03\x00\x01\x00\x02\x00\x12\x00\x00\x00\x01\x00\x00\x00\x06"
    "\x00\x01\x00\x06\x00\x01"sv;
// §2.2.13: length 20, CALL_ABORT, one attribute: Status Info with status 4 (value not supported).
constexpr std::string_view kAbort =
    "\x10\x01\x00\x14\x00\x05\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x04"sv;
// §2.2.1: a data packet of 8 octets.
constexpr std::string_view kData = "\x10\x00\x00\x08\xff\x03\xc0\x21"sv;

constexpr std::string_view kDuplexOk =
    "HTTP/1.1 200\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI/2.0\r\n"
    "Date: Sat, 28 Nov 2026 13:00:00 GMT\r\n\r\n";
constexpr std::string_view kUnauthorized =
    "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Authenticate: Negotiate\r\n"
    "Content-Length: 0\r\n\r\n";
constexpr std::string_view kUnavailable =
    "HTTP/1.1 503 Service Unavailable\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Length: 0\r\n"
    "\r\n";

asio::awaitable<bool> send(Stream& stream, std::string_view bytes) {
  const auto [error, size] =
      co_await asio::async_write(stream, asio::buffer(bytes.data(), bytes.size()), kNoThrow);
  co_return !error;
}

}  // namespace

/// Everything below runs on `thread_`, except what says otherwise.
class SstpSite::Server {
 public:
  Server(SstpBehaviour behaviour, const std::string& name)
      : identity_(make_identity({.name = name})), behaviour_(behaviour) {
    if (SSL_CTX_use_certificate(tls_.native_handle(), identity_.certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(tls_.native_handle(), identity_.key.get()) != 1) {
      throw std::runtime_error("cannot use the certificate");
    }
    port_ = listener_.local_endpoint().port();
    asio::co_spawn(io_, accept_all(), asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Server() {
    io_.stop();
    thread_.join();
  }

  // From any thread.
  std::uint16_t port() const { return port_; }
  void set_behaviour(SstpBehaviour behaviour) { behaviour_ = behaviour; }
  std::string last_request() const {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }
  std::vector<std::string> packets() const {
    const std::lock_guard lock(mutex_);
    return packets_;
  }
  const Identity& identity() const { return identity_; }

 private:
  asio::awaitable<void> accept_all() {
    for (;;) {
      auto [error, socket] = co_await listener_.async_accept(kNoThrow);
      if (error == asio::error::operation_aborted) co_return;
      if (error) continue;
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      asio::co_spawn(io_, serve(std::move(socket), behaviour_), asio::detached);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket, SstpBehaviour behaviour) {
    Stream stream(std::move(socket), tls_);
    const auto [error] = co_await stream.async_handshake(ssl::stream_base::server, kNoThrow);
    if (error) co_return;
    std::string buffer;
    for (;;) {
      const auto [failed, size] = co_await asio::async_read_until(
          stream, asio::dynamic_buffer(buffer, 65536), "\r\n\r\n", kNoThrow);
      if (failed) co_return;
      const std::string header = buffer.substr(0, size);
      buffer.erase(0, size);
      if (header.starts_with("SSTP_DUPLEX_POST ")) {
        const std::lock_guard lock(mutex_);
        last_request_ = header;
        break;
      }
      const bool is_sent = co_await send(stream, kUnauthorized);
      if (!is_sent) co_return;
    }
    const bool is_open = co_await answer_duplex(stream, behaviour);
    if (is_open) co_await serve_packets(stream, behaviour, std::move(buffer));
  }

  static asio::awaitable<bool> answer_duplex(Stream& stream, SstpBehaviour behaviour) {
    switch (behaviour) {
      case SstpBehaviour::kNoPorts: {
        co_await send(stream, kUnavailable);
        co_return false;
      }
      case SstpBehaviour::kCloseOnDuplex:
        co_return false;
      case SstpBehaviour::kSilentDuplex: {
        co_await wait_for_end(stream);
        co_return false;
      }
      case SstpBehaviour::kDuplexGarbage: {
        co_await send(stream, "SSH-2.0-OpenSSH_9.2p1\r\n");
        co_await wait_for_end(stream);
        co_return false;
      }
      case SstpBehaviour::kDuplexEndless: {
        bool is_open = co_await send(stream, "HTTP/1.1 200\r\nX-Filler: ");
        const std::string filler(1000, 'x');
        while (is_open) is_open = co_await send(stream, filler);
        co_return false;
      }
      default: {
        const bool is_sent = co_await send(stream, kDuplexOk);
        co_return is_sent;
      }
    }
  }

  /// Answers call connect requests, and keeps all that comes.
  asio::awaitable<void> serve_packets(Stream& stream, SstpBehaviour behaviour, std::string buffer) {
    constexpr std::size_t kHeader = 4;
    std::array<char, 4096> chunk{};
    for (;;) {
      while (buffer.size() >= kHeader) {
        const std::size_t size = (static_cast<std::size_t>(buffer[2]) & 0xf) << 8 |
                                 static_cast<unsigned char>(buffer[3]);
        if (size < kHeader) co_return;
        if (buffer.size() < size) break;
        const std::string packet = buffer.substr(0, size);
        buffer.erase(0, size);
        {
          const std::lock_guard lock(mutex_);
          packets_.push_back(packet);
        }
        const bool is_call = packet.size() >= 6 && packet[1] == 1 && packet[5] == 1;
        if (is_call) {
          const bool goes_on = co_await answer_call(stream, behaviour);
          if (!goes_on) co_return;
        }
      }
      const auto [error, count] = co_await stream.async_read_some(asio::buffer(chunk), kNoThrow);
      if (error) co_return;
      buffer.append(chunk.data(), count);
    }
  }

  static asio::awaitable<bool> answer_call(Stream& stream, SstpBehaviour behaviour) {
    std::string_view answer = kAck;
    switch (behaviour) {
      case SstpBehaviour::kNak:
        answer = kNak;
        break;
      case SstpBehaviour::kCallAbort:
        answer = kAbort;
        break;
      case SstpBehaviour::kCallData:
        answer = kData;
        break;
      case SstpBehaviour::kCallGarbage:
        answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
        break;
      case SstpBehaviour::kCloseOnCall:
        co_return false;
      case SstpBehaviour::kSilentCall:
        co_return true;
      case SstpBehaviour::kAckInPieces: {
        for (std::size_t i = 0; i < kAck.size(); ++i) {
          const bool is_sent = co_await send(stream, kAck.substr(i, 1));
          if (!is_sent) co_return false;
        }
        co_return true;
      }
      default:
        break;
    }
    const bool is_sent = co_await send(stream, answer);
    co_return is_sent;
  }

  static asio::awaitable<void> wait_for_end(Stream& stream) {
    std::array<char, 256> ignored{};
    for (;;) {
      const auto [error, size] = co_await stream.async_read_some(asio::buffer(ignored), kNoThrow);
      if (error) co_return;
    }
  }

  const Identity identity_;
  ssl::context tls_{ssl::context::tls_server};
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::acceptor listener_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::uint16_t port_ = 0;
  std::atomic<SstpBehaviour> behaviour_;
  mutable std::mutex mutex_;
  std::string last_request_;          // Guarded by mutex_.
  std::vector<std::string> packets_;  // Likewise.
  std::thread thread_;
};

SstpSite::SstpSite(SstpBehaviour behaviour, const std::string& name)
    : server_(std::make_unique<Server>(behaviour, name)) {}
SstpSite::~SstpSite() = default;

base::SocketAddress SstpSite::address() const {
  return {base::IpAddress::v4({127, 0, 0, 1}), server_->port()};
}
void SstpSite::set_behaviour(SstpBehaviour behaviour) { server_->set_behaviour(behaviour); }
std::string SstpSite::last_request() const { return server_->last_request(); }
std::vector<std::string> SstpSite::packets() const { return server_->packets(); }
std::string SstpSite::certificate_pem() const { return server_->identity().certificate_pem(); }

}  // namespace gslb::support
