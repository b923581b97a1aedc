#pragma once

#include <openssl/ssl.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "health/openssl_ptr.h"
#include "health/probe_run.h"

namespace gslb::health {

/// A TLS client that refuses nobody: what a server shows is examined apart from the handshake.
boost::asio::ssl::context make_probing_tls_context();

/// A probe over one TCP connection, with TLS or without: connects and shakes hands; what is said
/// then is up to the protocol. For the sources of this room only. One thread, that of `io`.
class StreamProbe : public ProbeRun {
 public:
  /// `tls` must outlive the start of the probe; null: plain TCP.
  StreamProbe(boost::asio::io_context& io, boost::asio::ssl::context* tls,
              std::shared_ptr<const MonitorSpec> monitor, const base::IpAddress& address,
              Prober::Callback callback);

 protected:
  /// Called once the connection (and TLS) is there. Ends in succeed() or fail(), unless the probe
  /// is_over() before.
  virtual boost::asio::awaitable<void> converse() = 0;

  /// False where the probe is over: it has failed with the reason, or it has been cancelled.
  boost::asio::awaitable<bool> write(std::string_view bytes);
  /// Appends what comes next to `received()`; false likewise. `wanted` is for the reason: "the
  /// connection was closed before RESPONSE".
  boost::asio::awaitable<bool> read_more(std::string_view wanted);

  std::string& received() { return received_; }
  /// What has been done so far, and the next thing is waited for.
  void set_stage(std::string stage) { stage_ = std::move(stage); }
  /// Says goodbye, as `bytes` and by ending this side of the connection, and gives the peer a
  /// moment to take it in and to end the other. What becomes of it is of no importance.
  boost::asio::awaitable<void> leave(std::string_view bytes);

  /// Like succeed(), unless the certificate is required and faulty.
  void succeed_with_certificate(std::string detail);

 private:
  void run() final;
  void close() final;
  std::string stage() const final { return stage_; }
  void complete(ProbeResult& result) final;

  boost::asio::awaitable<void> talk();
  boost::asio::awaitable<bool> shake_hands();
  boost::asio::awaitable<boost::system::error_code> write_all(std::string_view bytes);
  boost::asio::awaitable<boost::system::error_code> read_some();
  boost::asio::ip::tcp::socket& socket() { return stream_ ? stream_->next_layer() : plain_; }

  boost::asio::ip::tcp::endpoint peer_;
  boost::asio::ip::tcp::socket plain_;  ///< Without TLS.
  using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
  std::unique_ptr<TlsStream> stream_;  ///< With TLS.
  std::string stage_ = "no connection";
  std::string received_;
  std::array<char, 4096> buffer_{};
  std::shared_ptr<const CertificateReport> certificate_;
};

}  // namespace gslb::health
