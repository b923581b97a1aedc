#include "app/admin_server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "app/admin_access.h"
#include "app/admin_json.h"
#include "app/control_socket.h"
#include "dns/listen.h"

namespace gslb::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Unix = asio::local::stream_protocol;
using asio::ip::tcp;

constexpr std::size_t kMaxConnections = 64;
constexpr std::uint32_t kMaxHeader = 8192;
constexpr std::chrono::seconds kTimeout{30};
/// How long a client may go on sending what nobody wants before its connection is cut.
constexpr std::chrono::seconds kDrainTimeout{2};
/// Until descriptors may be free again.
constexpr std::chrono::seconds kAcceptPause{1};

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

/// What a request that cannot be read is answered with; nothing where the client is gone.
std::optional<AdminResponse> problem_of(const error_code& error) {
  if (error == http::error::body_limit) return make_problem(413, "the body is too large");
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return make_problem(431, "the header is too large");
  }
  const bool is_end = error == http::error::end_of_stream || error == http::error::partial_message;
  if (is_end || error.category() != make_error_code(http::error::bad_method).category()) {
    return std::nullopt;
  }
  return make_problem(400, "the request cannot be read: " + error.message());
}

/// One connection: reads requests one after the other, each answered before the next is read.
template <typename Door, typename Protocol>
class Session : public std::enable_shared_from_this<Session<Door, Protocol>> {
 public:
  Session(std::shared_ptr<Door> door, typename Protocol::socket socket)
      : door_(std::move(door)), stream_(std::move(socket)) {}

  void read_header() {
    parser_.emplace();
    parser_->header_limit(kMaxHeader);
    parser_->body_limit(kMaxBody);
    stream_.expires_after(kTimeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = this->shared_from_this()](error_code error, std::size_t) {
                              self->on_header(error);
                            });
  }

 private:
  void on_header(error_code error) {
    if (error) return refuse(error);
    const auto& request = parser_->get();
    if (auto refusal = refuse_access(request)) return refuse(*std::move(refusal));
    const std::size_t limit =
        door_->handlers().max_body(view(request.method_string()), view(request.target()));
    if (parser_->content_length().value_or(0) > limit) return refuse(http::error::body_limit);
    parser_->body_limit(limit);
    if (beast::iequals(request[http::field::expect], "100-continue")) return write_continue();
    read_body();
  }

  /// RFC 9110 §10.1.1
  void write_continue() {
    continue_ = {http::status::continue_, 11};
    http::async_write(stream_, continue_,
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        error ? self->finish() : self->read_body();
                      });
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](error_code error, std::size_t) {
                       self->on_request(error);
                     });
  }

  void on_request(error_code error) {
    if (error) return refuse(error);
    if (door_->is_stopped()) return finish();
    stream_.expires_never();  // The handler may take its time; the client has done its part.
    http::request<http::string_body> request = parser_->release();
    keep_alive_ = request.keep_alive();
    door_->handlers().dispatch(view(request.method_string()), view(request.target()),
                               std::move(request.body()),
                               [self = this->shared_from_this()](AdminResponse response) {
                                 self->write(std::move(response));
                               });
  }

  /// The Unix socket is guarded by the mode of its file.
  std::optional<AdminResponse> refuse_access(const auto& request) const {
    if constexpr (std::is_same_v<Protocol, tcp>) {
      error_code error;
      const auto peer = stream_.socket().remote_endpoint(error);
      return app::refuse_access(
          {!error && peer.address().is_loopback(), view(request.method_string()),
           view(request[http::field::authorization]), view(request[http::field::host])},
          door_->token());
    } else {
      return std::nullopt;
    }
  }

  void refuse(error_code error) {
    auto response = problem_of(error);
    if (!response) return finish();
    refuse(*std::move(response));
  }

  void refuse(AdminResponse response) {
    keep_alive_ = false;
    write(std::move(response));
  }

  void write(AdminResponse response) {
    response_ = {static_cast<http::status>(response.status), 11};
    response_.set(http::field::server, "gslbd");
    response_.set(http::field::content_type, response.content_type);
    response_.set(http::field::cache_control, "no-store");
    if (!response.allow.empty()) response_.set(http::field::allow, response.allow);
    if (!response.authenticate.empty()) {
      response_.set(http::field::www_authenticate, response.authenticate);
    }
    response_.keep_alive(keep_alive_);
    response_.body() = std::move(response.body);
    response_.prepare_payload();
    stream_.expires_after(kTimeout);
    http::async_write(stream_, response_,
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        self->on_written(error);
                      });
  }

  void on_written(error_code error) {
    if (error || door_->is_stopped()) return finish();
    if (keep_alive_) return read_header();
    stream_.socket().shutdown(asio::socket_base::shutdown_send, error);
    stream_.expires_after(kDrainTimeout);
    drain();
  }

  /// A connection that is closed with octets unread is reset, and the client may never see the
  /// response.
  void drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kMaxHeader),
                            [self = this->shared_from_this()](error_code error, std::size_t) {
                              error ? self->finish() : self->drain();
                            });
  }

  /// Every way a session can end leads here, once.
  void finish() {
    stream_.close();
    door_->end_session();
  }

  std::shared_ptr<Door> door_;
  beast::basic_stream<Protocol> stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::empty_body> continue_;
  http::response<http::string_body> response_;
  bool keep_alive_ = false;
};

/// Accepts connections at one address, and gives each a session. Sessions keep it alive.
template <typename Protocol>
class Door : public std::enable_shared_from_this<Door<Protocol>> {
 public:
  Door(asio::io_context& io, std::shared_ptr<const AdminHandlers> handlers, const char* name)
      : handlers_(std::move(handlers)), name_(name), acceptor_(io), pause_(io) {}

  const AdminHandlers& handlers() const { return *handlers_; }
  const std::string& token() const { return token_; }
  bool is_stopped() const { return is_stopped_; }

  void set_token(std::string token) { token_ = std::move(token); }

  /// Takes over a socket that listens, in place of the one before.
  tl::expected<void, std::string> open(const Protocol& protocol, base::UniqueFd socket) {
    error_code error;
    acceptor_.close(error);
    acceptor_.assign(protocol, socket.get(), error);
    if (error) return tl::unexpected(error.message());
    socket.release();
    accept();
    return {};
  }

  /// New connections are refused; those that are there go on.
  void close() {
    error_code error;
    acceptor_.close(error);
  }

  void stop() {
    is_stopped_ = true;
    close();
    pause_.cancel();
  }

  void end_session() {
    --sessions_;
    accept();
  }

 private:
  void accept() {
    if (is_accepting_ || is_stopped_ || !acceptor_.is_open() || sessions_ >= kMaxConnections) {
      return;
    }
    is_accepting_ = true;
    acceptor_.async_accept(
        [self = this->shared_from_this()](error_code error, typename Protocol::socket socket) {
          self->on_accept(error, std::move(socket));
        });
  }

  void on_accept(error_code error, typename Protocol::socket socket) {
    is_accepting_ = false;
    if (!error) start_session(std::move(socket));
    // Aborted: another address may be open by now.
    if (!error || error == asio::error::operation_aborted) return accept();
    spdlog::warn("{}: {}", name_, error.message());
    is_accepting_ = true;
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = this->shared_from_this()](error_code) {
      self->is_accepting_ = false;
      self->accept();
    });
  }

  void start_session(typename Protocol::socket socket) {
    ++sessions_;
    std::make_shared<Session<Door, Protocol>>(this->shared_from_this(), std::move(socket))
        ->read_header();
  }

  std::shared_ptr<const AdminHandlers> handlers_;
  const char* name_;
  std::string token_;
  typename Protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::size_t sessions_ = 0;
  bool is_accepting_ = false;
  bool is_stopped_ = false;
};

}  // namespace

class AdminServer::Impl {
 public:
  Impl(asio::io_context& io, AdminHandlers handlers)
      : handlers_(std::make_shared<const AdminHandlers>(std::move(handlers))),
        unix_(std::make_shared<Door<Unix>>(io, handlers_, "control socket")),
        tcp_(std::make_shared<Door<tcp>>(io, handlers_, "server.http")) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    unix_->stop();
    tcp_->stop();
  }

  tl::expected<void, std::string> open(const std::filesystem::path& path) {
    auto socket = ControlSocket::open(path);
    if (!socket) return tl::unexpected(socket.error());
    auto opened = unix_->open(Unix(), base::UniqueFd(socket->release()));
    if (opened) socket_ = std::move(*socket);
    return opened;
  }

  tl::expected<base::SocketAddress, std::string> open(const base::SocketAddress& address) {
    auto sockets = dns::open_listen_sockets(address, 0);
    if (!sockets) return tl::unexpected(sockets.error().text);
    const auto opened =
        tcp_->open(address.ip.is_v4() ? tcp::v4() : tcp::v6(), std::move(sockets->tcp));
    if (!opened) return tl::unexpected(opened.error());
    return sockets->address;
  }

  void close_http() { tcp_->close(); }
  void set_token(std::string token) { tcp_->set_token(std::move(token)); }

 private:
  std::shared_ptr<const AdminHandlers> handlers_;
  std::optional<ControlSocket> socket_;
  std::shared_ptr<Door<Unix>> unix_;
  std::shared_ptr<Door<tcp>> tcp_;
};

AdminServer::AdminServer(asio::io_context& io, AdminHandlers handlers)
    : impl_(std::make_unique<Impl>(io, std::move(handlers))) {}

AdminServer::~AdminServer() = default;

tl::expected<void, std::string> AdminServer::open(const std::filesystem::path& path) {
  return impl_->open(path);
}

tl::expected<base::SocketAddress, std::string> AdminServer::open(
    const base::SocketAddress& address) {
  return impl_->open(address);
}

void AdminServer::close_http() { impl_->close_http(); }

void AdminServer::set_token(std::string token) { impl_->set_token(std::move(token)); }

}  // namespace gslb::app
