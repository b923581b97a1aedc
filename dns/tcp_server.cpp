#include "dns/tcp_server.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <thread>
#include <type_traits>
#include <utility>

#include "dns/proxy_header.h"
#include "dns/sockaddr.h"
#include "dns/wire.h"

namespace gslb::dns {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// The largest query taken over TCP; a client that announces more is cut off. No query needs it,
/// and it bounds what a connection can cost.
constexpr std::size_t kMaxQuery = 4096;
constexpr std::size_t kLengthPrefix = 2;
/// Responses are collected up to here before they are written, which bounds a connection's memory.
constexpr std::size_t kWriteThreshold = 16'384;
constexpr std::chrono::milliseconds kAcceptPause{100};
/// So many connections are worth the time that it takes to hand their memory back.
constexpr std::size_t kCrowd = 64;

class SessionBase;

/// What a session needs of the server.
class SessionHost {
 public:
  virtual ~SessionHost() = default;

  /// The response, valid until the next call; empty where there is none.
  virtual std::span<const std::uint8_t> answer_stream(
      const base::IpAddress& client, Transport transport,
      std::span<const std::uint8_t> query) noexcept = 0;
  /// Of the zone transfer that the last response has begun, if it has; it counts against the limit
  /// until on_transfer_ended().
  virtual std::unique_ptr<TransferStream> begin_transfer() = 0;
  /// The next message, valid until the next call; empty where it cannot be made.
  virtual std::span<const std::uint8_t> continue_transfer(TransferStream& transfer) noexcept = 0;
  virtual void on_transfer_ended() = 0;
  virtual void on_active(SessionBase& session) = 0;
  virtual void on_timed_out() = 0;
  virtual void on_closed(SessionBase& session) = 0;
  virtual const TcpLimits& limits() const = 0;
};

/// One connection, whatever is spoken on it, as the host keeps it.
class SessionBase {
 public:
  explicit SessionBase(const base::IpAddress& client) : client_(client) {}
  virtual ~SessionBase() = default;

  const base::IpAddress& client() const { return client_; }
  virtual void start() = 0;
  virtual void close() = 0;
  /// Ends the connection once no response is under way.
  virtual void finish() = 0;

  /// Where the host keeps the session in its list of connections.
  std::list<std::shared_ptr<SessionBase>>::iterator position;

 private:
  base::IpAddress client_;
};

/// The beginning of a connection from a load balancer: reads the PROXY header, and hands the socket
/// on with the address that the header tells. It never reads beyond the header: what follows is for
/// the session, or for TLS.
class ProxyPreamble final : public SessionBase, public std::enable_shared_from_this<ProxyPreamble> {
 public:
  using OnClient = std::function<void(tcp::socket, const base::IpAddress&)>;

  ProxyPreamble(tcp::socket socket, const base::IpAddress& proxy, SessionHost& host,
                OnClient on_client)
      : SessionBase(proxy),
        socket_(std::move(socket)),
        deadline_(socket_.get_executor()),
        host_(host),
        on_client_(std::move(on_client)) {}

  void start() override {
    deadline_.expires_after(host_.limits().idle_timeout);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->closed_) return;
      self->host_.on_timed_out();
      self->close();
    });
    read();
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
    host_.on_closed(*this);
  }

  void finish() override { close(); }

 private:
  /// What is surely still part of the header: its fixed part, then what that announces.
  std::size_t missing() const {
    if (filled_ < kProxyHeaderFixed) return kProxyHeaderFixed - filled_;
    return kProxyHeaderFixed + load_u16(&input_[14]) - filled_;
  }

  void read() {
    socket_.async_read_some(asio::buffer(input_.data() + filled_, missing()),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              if (self->closed_) return;
                              if (error) return self->close();
                              self->filled_ += size;
                              self->examine();
                            });
  }

  void examine() {
    const ProxyHeader header = parse_proxy_header(std::span(input_).first(filled_));
    if (header.state == ProxyHeader::State::kIncomplete) return read();
    if (header.state == ProxyHeader::State::kMalformed) return close();
    tcp::socket socket = std::move(socket_);
    const base::IpAddress client = header.client.value_or(this->client());
    close();
    on_client_(std::move(socket), client);
  }

  tcp::socket socket_;
  asio::steady_timer deadline_;
  SessionHost& host_;
  OnClient on_client_;
  std::array<std::uint8_t, kMaxProxyHeader> input_{};
  std::size_t filled_ = 0;
  bool closed_ = false;
};

using TlsStream = asio::ssl::stream<tcp::socket>;

/// One connection: reads what is there, answers every complete query in it, writes all responses,
/// and reads on. Lives on the server's thread; kept alive by its pending operation. `Stream` is a
/// tcp::socket or a TlsStream.
template <typename Stream>
class Session final : public SessionBase, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(Stream stream, const base::IpAddress& client, SessionHost& host)
      : SessionBase(client),
        stream_(std::move(stream)),
        deadline_(stream_.get_executor()),
        host_(host) {}

  void start() override {
    error_code ignored;
    stream_.lowest_layer().set_option(tcp::no_delay(true), ignored);
    expect_query();
    if constexpr (kIsTls) {
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](error_code error) {
                                if (self->closed_) return;
                                if (error) return self->close();
                                self->read();
                              });
    } else {
      read();
    }
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    stream_.lowest_layer().close(ignored);
    deadline_.cancel();
    end_transfer();
    host_.on_closed(*this);
  }

  void finish() override {
    stopping_ = true;
    if (!writing_) close();
  }

 private:
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

  void expect_query() { set_deadline(host_.limits().idle_timeout); }

  void set_deadline(std::chrono::milliseconds timeout) {
    deadline_.expires_after(timeout);
    deadline_.async_wait([self = this->shared_from_this()](error_code error) {
      // The deadline may have been moved on after this handler was already queued.
      if (error || self->closed_ ||
          self->deadline_.expiry() > asio::steady_timer::clock_type::now()) {
        return;
      }
      self->host_.on_timed_out();
      self->close();
    });
  }

  void read() {
    const auto room = asio::buffer(input_.data() + filled_, input_.size() - filled_);
    stream_.async_read_some(room,
                            [self = this->shared_from_this()](error_code error, std::size_t size) {
                              if (self->closed_) return;
                              if (error) return self->close();
                              self->filled_ += size;
                              self->answer_input();
                            });
  }

  /// Answers the complete queries at the front of the input, as far as the output has room.
  void answer_input() {
    std::size_t at = 0;
    while (!finishing_ && !transfer_ && filled_ - at >= kLengthPrefix &&
           output_.size() < kWriteThreshold) {
      const std::size_t length = load_u16(&input_[at]);
      if (length > kMaxQuery) {
        finishing_ = true;
        break;
      }
      if (filled_ - at - kLengthPrefix < length) break;
      append_answer({&input_[at + kLengthPrefix], length});
      at += kLengthPrefix + length;
    }
    if (at > 0) {
      filled_ -= at;
      std::memmove(input_.data(), input_.data() + at, filled_);
      host_.on_active(*this);
    }
    if (!output_.empty()) return write();
    if (finishing_) return linger();
    read();
  }

  /// Ends the sending side and discards what still comes, for a while: to close with unread input
  /// would make the kernel reset the connection, and lose responses on their way.
  void linger() {
    error_code ignored;
    socket().shutdown(tcp::socket::shutdown_send, ignored);
    set_deadline(host_.limits().write_timeout);
    discard();
  }

  void discard() {
    socket().async_read_some(asio::buffer(input_),
                             [self = this->shared_from_this()](error_code error, std::size_t) {
                               if (self->closed_) return;
                               if (error) return self->close();
                               self->discard();
                             });
  }

  tcp::socket& socket() {
    if constexpr (kIsTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  /// A message that may not be answered ends the connection: nothing sensible can follow it.
  void append_answer(std::span<const std::uint8_t> query) {
    const std::span<const std::uint8_t> response =
        host_.answer_stream(client(), kIsTls ? Transport::kTls : Transport::kTcp, query);
    if (response.empty()) {
      finishing_ = true;
      return;
    }
    append_message(response);
    transfer_ = host_.begin_transfer();
    if (transfer_) {
      transfer_until_ = asio::steady_timer::clock_type::now() + host_.limits().transfer_timeout;
    }
  }

  void append_message(std::span<const std::uint8_t> response) {
    const std::size_t start = output_.size();
    output_.resize(start + kLengthPrefix);
    store_u16(&output_[start], static_cast<std::uint16_t>(response.size()));
    output_.insert(output_.end(), response.begin(), response.end());
  }

  /// One message at a time: a slow client costs no memory. What it sent behind its query waits.
  void continue_transfer() {
    const std::span<const std::uint8_t> message = host_.continue_transfer(*transfer_);
    if (message.empty()) return close();
    append_message(message);
    if (transfer_->is_done()) end_transfer();
    host_.on_active(*this);
    write();
  }

  void end_transfer() {
    if (!transfer_) return;
    transfer_.reset();
    host_.on_transfer_ended();
  }

  std::chrono::milliseconds time_to_write() const {
    const std::chrono::milliseconds timeout = host_.limits().write_timeout;
    if (!transfer_) return timeout;
    const auto left = transfer_until_ - asio::steady_timer::clock_type::now();
    return std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(left),
                      std::chrono::milliseconds{0}, timeout);
  }

  void write() {
    writing_ = true;
    set_deadline(time_to_write());
    asio::async_write(stream_, asio::buffer(output_),
                      [self = this->shared_from_this()](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (self->closed_) return;
                        if (error || self->stopping_) return self->close();
                        self->output_.clear();
                        if (self->transfer_) return self->continue_transfer();
                        if (self->finishing_) return self->linger();
                        self->expect_query();
                        self->answer_input();  // What had no room before.
                      });
  }

  Stream stream_;
  asio::steady_timer deadline_;
  SessionHost& host_;
  std::array<std::uint8_t, kLengthPrefix + kMaxQuery> input_;
  std::size_t filled_ = 0;
  std::vector<std::uint8_t> output_;
  std::unique_ptr<TransferStream> transfer_;  ///< Under way.
  asio::steady_timer::time_point transfer_until_;
  bool writing_ = false;
  bool finishing_ = false;  ///< Nothing more is answered: the client sent what is no query.
  bool stopping_ = false;   ///< The server ends.
  bool closed_ = false;
};

}  // namespace

class TcpServer::Impl final : public SessionHost {
 public:
  Impl(std::vector<TcpListener> listeners, const zones::Published& published, TcpLimits limits,
       std::uint64_t seed)
      : limits_(limits), reader_(published), scratch_(seed), accept_pause_(io_) {
    for (TcpListener& listener : listeners) adopt(std::move(listener));
  }

  ~Impl() override { stop(); }

  void start() {
    for (Listener& listener : listeners_) accept(listener);
    thread_ = std::thread([this] { io_.run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { finish_all(); });
    thread_.join();
  }

  void set_tls_credentials(std::shared_ptr<const TlsCredentials> credentials) {
    asio::post(io_, [this, credentials = std::move(credentials)] { credentials_ = credentials; });
  }

  const Counters& counters() const noexcept { return scratch_.counters; }

 private:
  struct Listener {
    tcp::acceptor acceptor;
    bool tls;
  };

  void adopt(TcpListener listener) {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    ::getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&local), &size);
    const tcp protocol = local.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
    listeners_.push_back({tcp::acceptor(io_, protocol, listener.socket.release()), listener.tls});
  }

  void accept(Listener& listener) {
    listener.acceptor.async_accept([this, &listener](error_code error, tcp::socket socket) {
      if (!listener.acceptor.is_open()) return;
      if (!error) {
        admit(std::move(socket), listener.tls);
        return accept(listener);
      }
      if (error == asio::error::operation_aborted) return;
      // Mostly out of descriptors (EMFILE): accept again once some may have been closed.
      accept_pause_.expires_after(kAcceptPause);
      accept_pause_.async_wait([this, &listener](error_code) {
        if (listener.acceptor.is_open()) accept(listener);
      });
    });
  }

  void admit(tcp::socket socket, bool tls) {
    error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;
    sockaddr_storage from{};
    std::memcpy(&from, remote.data(), remote.size());
    const base::IpAddress client = ip_of(from);

    scratch_.counters.tcp_accepted.add();
    const std::vector<base::AddressPrefix>& proxies = reader_.refresh().clients->proxy_from;
    const bool is_proxy = std::any_of(proxies.begin(), proxies.end(),
                                      [&](const auto& prefix) { return prefix.contains(client); });
    if (!is_proxy) return admit_client(std::move(socket), client, tls);
    add(std::make_shared<ProxyPreamble>(
        std::move(socket), client, *this,
        [this, tls](tcp::socket passed_on, const base::IpAddress& behind) {
          admit_client(std::move(passed_on), behind, tls);
        }));
  }

  /// `client` is who asks, behind a load balancer or not.
  void admit_client(tcp::socket socket, const base::IpAddress& client, bool tls) {
    const auto known = per_client_.find(client);
    const bool is_over_limit =
        known != per_client_.end() && known->second >= limits_.connections_per_client;
    if (is_over_limit || (tls && !credentials_)) {
      scratch_.counters.tcp_rejected.add();
      return;
    }
    add(make_session(std::move(socket), client, tls));
  }

  void add(const std::shared_ptr<SessionBase>& session) {
    if (sessions_.size() >= limits_.connections) {
      scratch_.counters.tcp_evicted.add();
      const std::shared_ptr<SessionBase> idle_longest = sessions_.front();
      idle_longest->close();
    }
    ++per_client_[session->client()];
    session->position = sessions_.insert(sessions_.end(), session);
    most_sessions_ = std::max(most_sessions_, sessions_.size());
    session->start();
  }

  std::shared_ptr<SessionBase> make_session(tcp::socket socket, const base::IpAddress& client,
                                            bool tls) {
    if (!tls) return std::make_shared<Session<tcp::socket>>(std::move(socket), client, *this);
    // Asio's context takes over a reference, and the stream one of its own.
    SSL_CTX_up_ref(credentials_->native());
    asio::ssl::context context(credentials_->native());
    return std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), context), client,
                                                *this);
  }

  void finish_all() {
    for (Listener& listener : listeners_) {
      error_code ignored;
      listener.acceptor.close(ignored);
    }
    accept_pause_.cancel();
    const std::list<std::shared_ptr<SessionBase>> open = sessions_;
    for (const std::shared_ptr<SessionBase>& session : open) session->finish();
  }

  std::span<const std::uint8_t> answer_stream(
      const base::IpAddress& client, Transport transport,
      std::span<const std::uint8_t> query) noexcept override {
    const auto timeout_100ms = static_cast<std::uint16_t>(limits_.idle_timeout.count() / 100);
    const Client who{client, transport, timeout_100ms};
    scratch_.read_clock();
    scratch_.can_transfer = transfers_ < limits_.transfers;
    const std::size_t size = answer(reader_.refresh(), who, query, response_, scratch_);
    return std::span(response_).first(size);
  }

  std::unique_ptr<TransferStream> begin_transfer() override {
    if (!scratch_.transfer) return nullptr;
    ++transfers_;
    auto transfer = std::make_unique<TransferStream>(*std::move(scratch_.transfer));
    scratch_.transfer.reset();
    return transfer;
  }

  std::span<const std::uint8_t> continue_transfer(TransferStream& transfer) noexcept override {
    scratch_.read_clock();
    return std::span(response_).first(transfer.write_next(response_, scratch_.now_s));
  }

  void on_transfer_ended() override { --transfers_; }

  void on_active(SessionBase& session) override {
    sessions_.splice(sessions_.end(), sessions_, session.position);
  }

  void on_timed_out() override { scratch_.counters.tcp_timed_out.add(); }

  void on_closed(SessionBase& session) override {
    const auto client = per_client_.find(session.client());
    if (--client->second == 0) per_client_.erase(client);
    sessions_.erase(session.position);
    // The allocator alone would keep for ever what the largest crowd took, 0.1 MB a TLS client.
    if (most_sessions_ >= kCrowd && sessions_.size() < most_sessions_ / 4) {
      most_sessions_ = sessions_.size();
      // Not here: a session lives until its last handler has run.
      asio::post(io_, [] { ::malloc_trim(0); });
    }
  }

  const TcpLimits& limits() const override { return limits_; }

  TcpLimits limits_;
  zones::SnapshotReader reader_;
  Scratch scratch_;
  std::array<std::uint8_t, kMaxMessageSize> response_;
  asio::io_context io_{1};
  std::list<Listener> listeners_;  ///< A list: handlers hold references.
  std::shared_ptr<const TlsCredentials> credentials_;
  asio::steady_timer accept_pause_;
  std::list<std::shared_ptr<SessionBase>> sessions_;  ///< The one idle for longest first.
  std::size_t most_sessions_ = 0;                     ///< Since memory was last handed back.
  std::map<base::IpAddress, std::size_t> per_client_;
  std::size_t transfers_ = 0;  ///< Under way.
  std::thread thread_;
};

TcpServer::TcpServer(std::vector<TcpListener> listeners, const zones::Published& published,
                     TcpLimits limits, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(listeners), published, limits, seed)) {}

TcpServer::~TcpServer() = default;

void TcpServer::start() { impl_->start(); }
void TcpServer::stop() { impl_->stop(); }
void TcpServer::set_tls_credentials(std::shared_ptr<const TlsCredentials> credentials) {
  impl_->set_tls_credentials(std::move(credentials));
}
const Counters& TcpServer::counters() const noexcept { return impl_->counters(); }

}  // namespace gslb::dns
