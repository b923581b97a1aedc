#include "health/stream_probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "health/asio_address.h"
#include "health/peer_certificate.h"
#include "health/reason.h"

// g++ 12 takes Asio's own pair of coroutine frame allocation functions for a mismatch once it
// inlines only one of them (-O1 and above).
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace gslb::health {
namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

/// Completion token: co_await gives (error, size), and nothing throws.
constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

/// Until a peer that does not end its side of a connection is left all the same.
constexpr std::chrono::milliseconds kPatience{500};

/// What the peer's end of a connection looks like, TLS or not.
bool is_end(const error_code& error) {
  return error == asio::error::eof || error == ssl::error::stream_truncated ||
         error == asio::error::connection_reset || error == asio::error::broken_pipe;
}

std::string describe_handshake(const error_code& error) {
  if (error.category() == asio::error::get_ssl_category()) {
    const char* const text = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
    if (text != nullptr) return describe_handshake_error(text);
  }
  return describe_handshake_error(error == asio::error::connection_reset ? "reset by peer"
                                  : is_end(error)                        ? "End of file"
                                                                         : error.message());
}

}  // namespace

ssl::context make_probing_tls_context() {
  ssl::context context(ssl::context::tls_client);
  context.set_verify_mode(ssl::verify_none);
  return context;
}

StreamProbe::StreamProbe(asio::io_context& io, ssl::context* tls,
                         std::shared_ptr<const MonitorSpec> monitor, const base::IpAddress& address,
                         Prober::Callback callback)
    : ProbeRun(io, monitor, std::move(callback)),
      peer_(to_asio(address), monitor->port),
      plain_(io) {
  if (tls != nullptr) stream_ = std::make_unique<TlsStream>(io, *tls);
}

void StreamProbe::run() {
  asio::co_spawn(
      io(), [this, self = shared_from_this()]() -> asio::awaitable<void> { co_await talk(); },
      asio::detached);
}

void StreamProbe::close() {
  error_code ignored;
  socket().close(ignored);
}

asio::awaitable<void> StreamProbe::talk() {
  if (is_over()) co_return;
  error_code error;
  socket().open(peer_.protocol(), error);
  if (error) {
    fail_by_errno(error.value(), "cannot open a socket: ");
    co_return;
  }
  // Commands which the daemon starts inherit no probe; see open(2).
  ::fcntl(socket().native_handle(), F_SETFD, FD_CLOEXEC);
  const auto [connect_error] = co_await socket().async_connect(peer_, kNoThrow);
  if (is_over()) co_return;
  if (connect_error) {
    fail_by_errno(connect_error.value());
    co_return;
  }
  record("TCP connection");
  if (stream_) {
    const bool is_secure = co_await shake_hands();
    if (!is_secure) co_return;
  }
  co_await converse();
}

asio::awaitable<bool> StreamProbe::shake_hands() {
  set_stage("connected, but no TLS handshake");
  SSL* const native = stream_->native_handle();
  std::string host = monitor().host;
  if (!host.empty()) {  // SSL_set_tlsext_host_name(), which is a macro with a C cast.
    SSL_ctrl(native, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
  }
  const auto [error] = co_await stream_->async_handshake(ssl::stream_base::client, kNoThrow);
  if (is_over()) co_return false;
  if (error) {
    fail(describe_handshake(error));
    co_return false;
  }
  record(fmt::format("{} handshake", SSL_get_version(native)));
  set_stage("TLS established");
  certificate_ = report_certificate(SSL_get_peer_cert_chain(native), monitor());
  co_return true;
}

asio::awaitable<bool> StreamProbe::write(std::string_view bytes) {
  const error_code error = co_await write_all(bytes);
  if (is_over()) co_return false;
  if (error) fail(is_end(error) ? "connection closed by the peer" : error.message());
  co_return !error;
}

asio::awaitable<error_code> StreamProbe::write_all(std::string_view bytes) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (stream_) {
    const auto [error, size] = co_await asio::async_write(*stream_, buffer, kNoThrow);
    co_return error;
  }
  const auto [error, size] = co_await asio::async_write(plain_, buffer, kNoThrow);
  co_return error;
}

asio::awaitable<error_code> StreamProbe::read_some() {
  const auto buffer = asio::buffer(buffer_);
  if (stream_) {
    const auto [error, size] = co_await stream_->async_read_some(buffer, kNoThrow);
    received_.append(buffer_.data(), size);
    co_return error;
  }
  const auto [error, size] = co_await plain_.async_read_some(buffer, kNoThrow);
  received_.append(buffer_.data(), size);
  co_return error;
}

asio::awaitable<bool> StreamProbe::read_more(std::string_view wanted) {
  const std::string what(wanted);
  const error_code error = co_await read_some();
  if (is_over()) co_return false;
  if (!error) co_return true;
  const bool is_reset = error == asio::error::connection_reset;
  fail(is_end(error) ? fmt::format("connection {} before {}", is_reset ? "reset" : "closed", what)
                     : printable(error.message(), 120));
  co_return false;
}

asio::awaitable<void> StreamProbe::leave(std::string_view bytes) {
  const auto time_left = monitor().timeout - elapsed();
  const auto patience = std::min<std::chrono::microseconds>(kPatience, time_left / 2);
  asio::steady_timer timer(io(), patience);
  timer.async_wait([this, self = shared_from_this()](error_code error) {
    if (!error) close();
  });
  error_code error = co_await write_all(bytes);
  if (error) co_return;
  socket().shutdown(tcp::socket::shutdown_send, error);
  // A connection that is closed with octets unread is reset, and the peer may never read `bytes`.
  while (!error) {
    received_.clear();
    error = co_await read_some();
  }
}

void StreamProbe::succeed_with_certificate(std::string detail) {
  const std::string refusal = find_refusal(certificate_.get(), monitor());
  if (!refusal.empty()) return fail(refusal);
  succeed(std::move(detail));
}

void StreamProbe::complete(ProbeResult& result) { result.certificate = certificate_; }

}  // namespace gslb::health
