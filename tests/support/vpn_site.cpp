#include "tests/support/vpn_site.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <future>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

// g++ 12 takes Asio's own pair of coroutine frame allocation functions for a mismatch once it
// inlines only one of them (-O1 and above).
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace gslb::support {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;

using boost::system::error_code;

/// Completion token: co_await gives (error, size), and nothing throws.
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kMaxRequestBytes = std::size_t{64} * 1024;
constexpr std::string_view kSstpPath = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/";
constexpr std::string_view kSstpPathEncoded = "/sra_%7BBA195980-CD49-458b-9E23-C84EE0ADCD75%7D/";

tcp::endpoint to_endpoint(const base::SocketAddress& address) {
  return {asio::ip::make_address(base::to_string(address.ip)), address.port};
}

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

ssl::context make_tls_context(const Identity& identity) {
  ssl::context context(ssl::context::tls_server);
  // Weak certificates are to be shown, not to be refused.
  SSL_CTX_set_security_level(context.native_handle(), 0);
  require(SSL_CTX_use_certificate(context.native_handle(), identity.certificate.get()) == 1 &&
              SSL_CTX_use_PrivateKey(context.native_handle(), identity.key.get()) == 1,
          "cannot use the certificate");
  for (const auto& issuer : identity.chain) {
    SSL_CTX_add1_chain_cert(context.native_handle(), issuer.get());
  }
  return context;
}

bool is_before_tls(SiteBehaviour behaviour) {
  return behaviour == SiteBehaviour::kHangAfterAccept ||
         behaviour == SiteBehaviour::kCloseAfterAccept || behaviour == SiteBehaviour::kPlainTcp ||
         behaviour == SiteBehaviour::kRefuseTls;
}

VpnSite::Request parse_request(std::string_view header) {
  VpnSite::Request request;
  while (!header.empty()) {
    const auto end = std::min(header.find("\r\n"), header.size());
    std::string line(header.substr(0, end));
    header.remove_prefix(std::min(end + 2, header.size()));
    if (line.empty()) break;
    if (request.line.empty()) {
      request.line = std::move(line);
      continue;
    }
    if (line.starts_with("Host: ")) request.host = line.substr(6);
    request.headers.push_back(std::move(line));
  }
  return request;
}

bool is_head(const VpnSite::Request& request) { return request.line.starts_with("HEAD "); }

std::string make_response(std::string_view status, std::string_view headers, std::string_view body,
                          bool with_body) {
  std::string text = "HTTP/1.1 " + std::string(status) + "\r\nServer: Microsoft-HTTPAPI/2.0\r\n";
  text += headers;
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (with_body) text += body;
  return text;
}

/// What RRAS answers: the listener of SSTP asks everyone who does not speak SSTP to log in.
std::string make_sstp_response(const VpnSite::Request& request) {
  const auto first = request.line.find(' ');
  const auto last = request.line.rfind(' ');
  const std::string_view target =
      first < last ? std::string_view(request.line).substr(first + 1, last - first - 1) : "";
  if (target == kSstpPath || target == kSstpPathEncoded) {
    return make_response("401 Unauthorized", "WWW-Authenticate: Negotiate\r\n", "", true);
  }
  return make_response("404 Not Found", "", "Not found", !is_head(request));
}

}  // namespace

/// Everything below runs on `thread_`, except what says otherwise.
class VpnSite::Server {
 public:
  explicit Server(Options options)
      : options_(std::move(options)),
        tls_(make_tls_context(options_.identity ? *options_.identity
                                                : make_identity({.name = options_.name}))),
        listener_(io_),
        behaviour_(options_.behaviour) {
    bind(options_.listen);
    if (behaviour_ != SiteBehaviour::kClosed) listen();
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Server() {
    io_.stop();
    thread_.join();
  }

  // From any thread.
  base::SocketAddress address() const { return address_; }

  void set_behaviour(SiteBehaviour behaviour) {
    std::promise<void> done;
    asio::post(io_, [&] {
      try {
        change(behaviour);
        done.set_value();
      } catch (...) {
        done.set_exception(std::current_exception());
      }
    });
    done.get_future().get();
  }

  std::uint64_t connections() const { return connections_; }
  std::uint64_t requests() const { return requests_; }
  Request last_request() const {
    const std::lock_guard lock(mutex_);
    return last_request_;
  }

 private:
  void bind(const base::SocketAddress& address) {
    const tcp::endpoint endpoint = to_endpoint(address);
    error_code error;
    listener_.open(endpoint.protocol(), error);
    if (!error) listener_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) listener_.bind(endpoint, error);
    require(!error, ("cannot bind " + base::to_string(address) + ": " + error.message()).c_str());
    address_ = {address.ip, listener_.local_endpoint().port()};
  }

  void listen() {
    error_code error;
    listener_.listen(asio::socket_base::max_listen_connections, error);
    require(!error,
            ("cannot listen on " + base::to_string(address_) + ": " + error.message()).c_str());
    asio::co_spawn(io_, accept_all(), asio::detached);
  }

  void change(SiteBehaviour behaviour) {
    const bool was_closed = behaviour_ == SiteBehaviour::kClosed;
    behaviour_ = behaviour;
    if (behaviour == SiteBehaviour::kClosed && !was_closed) {
      error_code ignored;
      listener_.close(ignored);
      for (tcp::socket* socket : sockets_) socket->close(ignored);
      bind(address_);  // Not listening, but nobody else gets the port.
    } else if (behaviour != SiteBehaviour::kClosed && was_closed) {
      listen();
    }
  }

  asio::awaitable<void> accept_all() {
    for (;;) {
      auto [error, socket] = co_await listener_.async_accept(kNoThrow);
      if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor)
        co_return;
      if (error) continue;
      // Otherwise Nagle's algorithm holds a response back until the client acknowledges the session
      // tickets of TLS 1.3, and a reset throws it away.
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      ++connections_;
      asio::co_spawn(io_, serve(std::move(socket), behaviour_), asio::detached);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket, SiteBehaviour behaviour) {
    if (is_before_tls(behaviour)) {
      const Registered registered(*this, socket);
      co_await serve_without_tls(socket, behaviour);
    } else if (options_.tls) {
      ssl::stream<tcp::socket> stream(std::move(socket), tls_);
      const Registered registered(*this, stream.next_layer());
      const auto [error] = co_await stream.async_handshake(ssl::stream_base::server, kNoThrow);
      if (error) co_return;
      const char* const sni = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      co_await serve_http(stream, stream.next_layer(), behaviour, sni == nullptr ? "" : sni);
    } else {
      const Registered registered(*this, socket);
      co_await serve_http(socket, socket, behaviour, "");
    }
  }

  asio::awaitable<void> serve_without_tls(tcp::socket& socket, SiteBehaviour behaviour) {
    if (behaviour == SiteBehaviour::kCloseAfterAccept) co_return;
    if (behaviour == SiteBehaviour::kPlainTcp) {
      co_await send(socket, "220 mail.example.com ESMTP\r\n");
    }
    if (behaviour == SiteBehaviour::kRefuseTls) {
      // An alert record of TLS 1.2: fatal, handshake_failure (RFC 5246 §7.2).
      co_await send(socket, std::string_view("\x15\x03\x03\x00\x02\x02\x28", 7));
    }
    co_await read_until_closed(socket);
  }

  template <typename Stream>
  asio::awaitable<void> serve_http(Stream& stream, tcp::socket& socket, SiteBehaviour behaviour,
                                   std::string sni) {
    std::string buffer;
    for (bool keep_alive = true; keep_alive;) {
      const auto [error, size] = co_await asio::async_read_until(
          stream, asio::dynamic_buffer(buffer, kMaxRequestBytes), "\r\n\r\n", kNoThrow);
      if (error) co_return;
      Request request = parse_request(std::string_view(buffer).substr(0, size));
      buffer.erase(0, size);
      request.sni = sni;
      record(request);
      keep_alive = co_await respond(stream, socket, behaviour, request);
    }
    // For TLS: says goodbye, so that the client can tell a complete response from a cut one.
    if constexpr (!std::is_same_v<Stream, tcp::socket>) {
      if (socket.is_open() && behaviour != SiteBehaviour::kCloseAfterTls &&
          behaviour != SiteBehaviour::kCloseMidBody) {
        co_await stream.async_shutdown(kNoThrow);
      }
    }
  }

  /// True: the connection can take another request.
  template <typename Stream>
  asio::awaitable<bool> respond(Stream& stream, tcp::socket& socket, SiteBehaviour behaviour,
                                const Request& request) {
    const bool with_body = !is_head(request);
    const std::string half_a_header =
        "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Auth";
    const std::string cut_body =
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + options_.body;
    switch (behaviour) {
      case SiteBehaviour::kHealthy:
        co_return co_await send(stream, make_sstp_response(request));
      case SiteBehaviour::kStatus200:
        co_return co_await send(stream, make_response("200 OK", "", options_.body, with_body));
      case SiteBehaviour::kStatus204:
        co_return co_await send(stream, "HTTP/1.1 204 No Content\r\n\r\n");
      case SiteBehaviour::kStatus404:
        co_return co_await send(stream, make_response("404 Not Found", "", "Not found", with_body));
      case SiteBehaviour::kRedirect:
        co_return co_await send(
            stream, make_response("302 Found", "Location: https://elsewhere.example.com/\r\n", "",
                                  with_body));
      case SiteBehaviour::kContinueFirst:
        co_return co_await send(
            stream, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
                        make_sstp_response(request));
      case SiteBehaviour::kHangAfterTls:
        co_await read_until_closed(stream);
        break;
      case SiteBehaviour::kResetAfterTls:
        reset(socket);
        break;
      case SiteBehaviour::kNotHttp:
        co_await send(stream, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
        break;
      case SiteBehaviour::kHangMidHeader:
        co_await send(stream, half_a_header);
        co_await read_until_closed(stream);
        break;
      case SiteBehaviour::kResetMidHeader:
        co_await send(stream, half_a_header);
        reset(socket);
        break;
      case SiteBehaviour::kEndlessHeader:
        co_await send_forever(stream, "HTTP/1.1 401 Unauthorized\r\n",
                              "X-Filler: " + std::string(1000, 'x') + "\r\n");
        break;
      case SiteBehaviour::kEndlessLine:
        co_await send_forever(stream,
                              "HTTP/1.1 401 Unauthorized\r\nX-Filler: ", std::string(1000, 'x'));
        break;
      case SiteBehaviour::kEndlessBody:
        co_await send_forever(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
                              std::string(1000, 'x'));
        break;
      case SiteBehaviour::kHangMidBody:
        co_await send(stream, cut_body);
        co_await read_until_closed(stream);
        break;
      case SiteBehaviour::kCloseMidBody:
        co_await send(stream, cut_body);
        break;
      case SiteBehaviour::kDrip: {
        const std::string response = make_sstp_response(request);
        asio::steady_timer pause(io_);
        for (std::size_t i = 0; i < response.size(); ++i) {
          const bool is_sent = co_await send(stream, std::string_view(response).substr(i, 1));
          if (!is_sent) break;
          pause.expires_after(std::chrono::milliseconds(100));
          co_await pause.async_wait(kNoThrow);
        }
        break;
      }
      case SiteBehaviour::kGzip:
        co_return co_await send(stream, make_response("200 OK", "Content-Encoding: gzip\r\n",
                                                      options_.body, with_body));
      case SiteBehaviour::kStatus500:
        co_return co_await send(stream,
                                make_response("500 Internal Server Error", "", "", with_body));
      case SiteBehaviour::kStatus503:
        co_return co_await send(stream,
                                make_response("503 Service Unavailable", "", "", with_body));
      case SiteBehaviour::kRedirectHome:
        if (request.line.find(" /home ") != std::string::npos) {
          co_return co_await send(stream, make_response("200 OK", "", options_.body, with_body));
        }
        co_return co_await send(stream,
                                make_response("302 Found", "Location: /home\r\n", "", with_body));
      case SiteBehaviour::kRedirectLoop:
        co_return co_await send(stream,
                                make_response("302 Found", "Location: /again\r\n", "", with_body));
      case SiteBehaviour::kHttp09:
        co_await send(stream, "<html>It works</html>");
        break;
      case SiteBehaviour::kEmptyReply:
      case SiteBehaviour::kRefuseTls:
      case SiteBehaviour::kClosed:
      case SiteBehaviour::kHangAfterAccept:
      case SiteBehaviour::kCloseAfterAccept:
      case SiteBehaviour::kPlainTcp:
      case SiteBehaviour::kCloseAfterTls:
        break;
    }
    co_return false;
  }

  template <typename Stream>
  static asio::awaitable<bool> send(Stream& stream, std::string_view text) {
    const auto [error, size] =
        co_await asio::async_write(stream, asio::buffer(text.data(), text.size()), kNoThrow);
    co_return !error;
  }

  template <typename Stream>
  static asio::awaitable<void> send_forever(Stream& stream, std::string_view once,
                                            std::string again) {
    bool open = co_await send(stream, once);
    while (open) open = co_await send(stream, again);
  }

  template <typename Stream>
  static asio::awaitable<void> read_until_closed(Stream& stream) {
    std::array<char, 1024> ignored;
    for (;;) {
      const auto [error, size] = co_await stream.async_read_some(asio::buffer(ignored), kNoThrow);
      if (error) co_return;
    }
  }

  /// The client gets ECONNRESET.
  static void reset(tcp::socket& socket) {
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
  }

  void record(const Request& request) {
    const std::lock_guard lock(mutex_);
    last_request_ = request;
    ++requests_;
  }

  /// Keeps a session's socket in `sockets_`, so that kClosed can end it.
  class Registered {
   public:
    Registered(Server& server, tcp::socket& socket) : sockets_(server.sockets_) {
      sockets_.push_front(&socket);
      position_ = sockets_.begin();
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    ~Registered() { sockets_.erase(position_); }

   private:
    std::list<tcp::socket*>& sockets_;
    std::list<tcp::socket*>::iterator position_;
  };

  const Options options_;
  ssl::context tls_;
  std::list<tcp::socket*> sockets_;
  asio::io_context io_{1};  // Destroys the sessions, which use what is above.
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  tcp::acceptor listener_;
  base::SocketAddress address_;  // Constant once constructed.
  SiteBehaviour behaviour_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> requests_{0};
  mutable std::mutex mutex_;
  Request last_request_;  // Guarded by mutex_.
  std::thread thread_;
};

VpnSite::VpnSite(Options options) : server_(std::make_unique<Server>(std::move(options))) {}
VpnSite::~VpnSite() = default;

base::SocketAddress VpnSite::address() const { return server_->address(); }
void VpnSite::set_behaviour(SiteBehaviour behaviour) { server_->set_behaviour(behaviour); }
std::uint64_t VpnSite::connections() const { return server_->connections(); }
std::uint64_t VpnSite::requests() const { return server_->requests(); }
VpnSite::Request VpnSite::last_request() const { return server_->last_request(); }

}  // namespace gslb::support
