#include "app/admin_server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "app/admin_json.h"
#include "app/control_socket.h"

namespace gslb::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

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

}  // namespace

/// Accepts connections, and gives each a session. Sessions keep it alive.
class AdminServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& io, AdminHandlers handlers)
      : handlers_(std::move(handlers)), acceptor_(io), pause_(io) {}

  const AdminHandlers& handlers() const { return handlers_; }
  bool is_stopped() const { return is_stopped_; }

  tl::expected<void, std::string> open(const std::filesystem::path& path) {
    auto socket = ControlSocket::open(path);
    if (!socket) return tl::unexpected(socket.error());
    error_code error;
    acceptor_.close(error);
    acceptor_.assign(Protocol(), socket->release(), error);
    if (error) return tl::unexpected(error.message());
    socket_ = std::move(*socket);
    accept();
    return {};
  }

  void stop() {
    is_stopped_ = true;
    error_code error;
    acceptor_.close(error);
    pause_.cancel();
    socket_.reset();
  }

  void end_session() {
    --sessions_;
    accept();
  }

 private:
  void accept();
  void start_session(Protocol::socket socket);

  AdminHandlers handlers_;
  std::optional<ControlSocket> socket_;
  Protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::size_t sessions_ = 0;
  bool is_accepting_ = false;
  bool is_stopped_ = false;
};

namespace {

/// One connection: reads requests one after the other, each answered before the next is read.
template <typename Server>
class Session : public std::enable_shared_from_this<Session<Server>> {
 public:
  Session(std::shared_ptr<Server> server, Protocol::socket socket)
      : server_(std::move(server)), stream_(std::move(socket)) {}

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
    const std::size_t limit =
        server_->handlers().max_body(view(request.method_string()), view(request.target()));
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
    if (server_->is_stopped()) return finish();
    stream_.expires_never();  // The handler may take its time; the client has done its part.
    http::request<http::string_body> request = parser_->release();
    keep_alive_ = request.keep_alive();
    server_->handlers().dispatch(view(request.method_string()), view(request.target()),
                                 std::move(request.body()),
                                 [self = this->shared_from_this()](AdminResponse response) {
                                   self->write(std::move(response));
                                 });
  }

  void refuse(error_code error) {
    auto response = problem_of(error);
    if (!response) return finish();
    keep_alive_ = false;
    write(*std::move(response));
  }

  void write(AdminResponse response) {
    response_ = {static_cast<http::status>(response.status), 11};
    response_.set(http::field::server, "gslbd");
    response_.set(http::field::content_type, response.content_type);
    response_.set(http::field::cache_control, "no-store");
    if (!response.allow.empty()) response_.set(http::field::allow, response.allow);
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
    if (error || server_->is_stopped()) return finish();
    if (keep_alive_) return read_header();
    stream_.socket().shutdown(Protocol::socket::shutdown_send, error);
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
    server_->end_session();
  }

  std::shared_ptr<Server> server_;
  beast::basic_stream<Protocol> stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::empty_body> continue_;
  http::response<http::string_body> response_;
  bool keep_alive_ = false;
};

}  // namespace

void AdminServer::Impl::accept() {
  if (is_accepting_ || is_stopped_ || sessions_ >= kMaxConnections) return;
  is_accepting_ = true;
  acceptor_.async_accept([self = shared_from_this()](error_code error, Protocol::socket socket) {
    self->is_accepting_ = false;
    if (!error) self->start_session(std::move(socket));
    // Aborted: open() has moved on to another path.
    if (!error || error == asio::error::operation_aborted) return self->accept();
    spdlog::warn("control socket: {}", error.message());
    self->is_accepting_ = true;
    self->pause_.expires_after(kAcceptPause);
    self->pause_.async_wait([self](error_code) {
      self->is_accepting_ = false;
      self->accept();
    });
  });
}

void AdminServer::Impl::start_session(Protocol::socket socket) {
  ++sessions_;
  std::make_shared<Session<Impl>>(shared_from_this(), std::move(socket))->read_header();
}

AdminServer::AdminServer(asio::io_context& io, AdminHandlers handlers)
    : impl_(std::make_shared<Impl>(io, std::move(handlers))) {}

AdminServer::~AdminServer() { impl_->stop(); }

tl::expected<void, std::string> AdminServer::open(const std::filesystem::path& path) {
  return impl_->open(path);
}

}  // namespace gslb::app
