#include "dns/tcp_server.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <thread>
#include <utility>

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

class Session;

/// What a session needs of the server.
class SessionHost {
 public:
  virtual ~SessionHost() = default;

  /// The response, valid until the next call; empty where there is none.
  virtual std::span<const std::uint8_t> answer_tcp(
      const base::IpAddress& client, std::span<const std::uint8_t> query) noexcept = 0;
  virtual void on_active(Session& session) = 0;
  virtual void on_timed_out() = 0;
  virtual void on_closed(Session& session) = 0;
  virtual const TcpLimits& limits() const = 0;
};

/// One connection: reads what is there, answers every complete query in it, writes all responses,
/// and reads on. Lives on the server's thread; kept alive by its pending operation.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const base::IpAddress& client, SessionHost& host)
      : socket_(std::move(socket)),
        deadline_(socket_.get_executor()),
        client_(client),
        host_(host) {}

  const base::IpAddress& client() const { return client_; }

  void start() {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    expect_query();
    read();
  }

  void close() {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
    host_.on_closed(*this);
  }

  /// Ends the connection once no response is under way.
  void finish() {
    finishing_ = true;
    if (!writing_) close();
  }

  /// Where the host keeps the session in its list of connections.
  std::list<std::shared_ptr<Session>>::iterator position;

 private:
  void expect_query() { set_deadline(host_.limits().idle_timeout); }

  void set_deadline(std::chrono::milliseconds timeout) {
    deadline_.expires_after(timeout);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
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
    socket_.async_read_some(room, [self = shared_from_this()](error_code error, std::size_t size) {
      if (self->closed_) return;
      if (error) return self->close();
      self->filled_ += size;
      self->answer_input();
    });
  }

  /// Answers the complete queries at the front of the input, as far as the output has room.
  void answer_input() {
    std::size_t at = 0;
    while (!finishing_ && filled_ - at >= kLengthPrefix && output_.size() < kWriteThreshold) {
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
    if (finishing_) return close();
    read();
  }

  /// A message that may not be answered ends the connection: nothing sensible can follow it.
  void append_answer(std::span<const std::uint8_t> query) {
    const std::span<const std::uint8_t> response = host_.answer_tcp(client_, query);
    if (response.empty()) {
      finishing_ = true;
      return;
    }
    const std::size_t start = output_.size();
    output_.resize(start + kLengthPrefix);
    store_u16(&output_[start], static_cast<std::uint16_t>(response.size()));
    output_.insert(output_.end(), response.begin(), response.end());
  }

  void write() {
    writing_ = true;
    set_deadline(host_.limits().write_timeout);
    asio::async_write(socket_, asio::buffer(output_),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (self->closed_) return;
                        if (error || self->finishing_) return self->close();
                        self->output_.clear();
                        self->expect_query();
                        self->answer_input();  // What had no room before.
                      });
  }

  tcp::socket socket_;
  asio::steady_timer deadline_;
  base::IpAddress client_;
  SessionHost& host_;
  std::array<std::uint8_t, kLengthPrefix + kMaxQuery> input_;
  std::size_t filled_ = 0;
  std::vector<std::uint8_t> output_;
  bool writing_ = false;
  bool finishing_ = false;
  bool closed_ = false;
};

}  // namespace

class TcpServer::Impl final : public SessionHost {
 public:
  Impl(std::vector<base::UniqueFd> listeners, const zones::Published& published, TcpLimits limits,
       std::uint64_t seed)
      : limits_(limits), reader_(published), scratch_(seed), accept_pause_(io_) {
    for (base::UniqueFd& listener : listeners) adopt(std::move(listener));
  }

  ~Impl() override { stop(); }

  void start() {
    for (tcp::acceptor& acceptor : acceptors_) accept(acceptor);
    thread_ = std::thread([this] { io_.run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] { finish_all(); });
    thread_.join();
  }

  const Counters& counters() const noexcept { return scratch_.counters; }

 private:
  void adopt(base::UniqueFd listener) {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&local), &size);
    acceptors_.emplace_back(io_, local.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(),
                            listener.release());
  }

  void accept(tcp::acceptor& acceptor) {
    acceptor.async_accept([this, &acceptor](error_code error, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!error) {
        admit(std::move(socket));
        return accept(acceptor);
      }
      if (error == asio::error::operation_aborted) return;
      // Mostly out of descriptors (EMFILE): accept again once some may have been closed.
      accept_pause_.expires_after(kAcceptPause);
      accept_pause_.async_wait([this, &acceptor](error_code) {
        if (acceptor.is_open()) accept(acceptor);
      });
    });
  }

  void admit(tcp::socket socket) {
    error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    if (error) return;
    sockaddr_storage from{};
    std::memcpy(&from, remote.data(), remote.size());
    const base::IpAddress client = ip_of(from);

    scratch_.counters.tcp_accepted.add();
    if (per_client_[client] >= limits_.connections_per_client) {
      scratch_.counters.tcp_rejected.add();
      return;
    }
    if (sessions_.size() >= limits_.connections) {
      scratch_.counters.tcp_evicted.add();
      const std::shared_ptr<Session> idle_longest = sessions_.front();
      idle_longest->close();
    }
    ++per_client_[client];
    auto session = std::make_shared<Session>(std::move(socket), client, *this);
    session->position = sessions_.insert(sessions_.end(), session);
    session->start();
  }

  void finish_all() {
    for (tcp::acceptor& acceptor : acceptors_) {
      error_code ignored;
      acceptor.close(ignored);
    }
    accept_pause_.cancel();
    const std::list<std::shared_ptr<Session>> open = sessions_;
    for (const std::shared_ptr<Session>& session : open) session->finish();
  }

  std::span<const std::uint8_t> answer_tcp(const base::IpAddress& client,
                                           std::span<const std::uint8_t> query) noexcept override {
    const auto timeout_100ms = static_cast<std::uint16_t>(limits_.idle_timeout.count() / 100);
    const Client who{client, Transport::kTcp, timeout_100ms};
    scratch_.read_clock();
    const std::size_t size = answer(reader_.refresh(), who, query, response_, scratch_);
    return std::span(response_).first(size);
  }

  void on_active(Session& session) override {
    sessions_.splice(sessions_.end(), sessions_, session.position);
  }

  void on_timed_out() override { scratch_.counters.tcp_timed_out.add(); }

  void on_closed(Session& session) override {
    const auto client = per_client_.find(session.client());
    if (--client->second == 0) per_client_.erase(client);
    sessions_.erase(session.position);
  }

  const TcpLimits& limits() const override { return limits_; }

  TcpLimits limits_;
  zones::SnapshotReader reader_;
  Scratch scratch_;
  std::array<std::uint8_t, kMaxMessageSize> response_;
  asio::io_context io_{1};
  std::list<tcp::acceptor> acceptors_;  ///< A list: handlers hold references.
  asio::steady_timer accept_pause_;
  std::list<std::shared_ptr<Session>> sessions_;  ///< The one idle for longest first.
  std::map<base::IpAddress, std::size_t> per_client_;
  std::thread thread_;
};

TcpServer::TcpServer(std::vector<base::UniqueFd> listeners, const zones::Published& published,
                     TcpLimits limits, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(std::move(listeners), published, limits, seed)) {}

TcpServer::~TcpServer() = default;

void TcpServer::start() { impl_->start(); }
void TcpServer::stop() { impl_->stop(); }
const Counters& TcpServer::counters() const noexcept { return impl_->counters(); }

}  // namespace gslb::dns
