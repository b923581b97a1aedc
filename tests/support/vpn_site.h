#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "tests/support/certificates.h"

namespace gslb::support {

/// What a VpnSite does to its clients.
enum class SiteBehaviour : std::uint8_t {
  kHealthy,           ///< 401 on the SSTP path, as RRAS does; 404 elsewhere.
  kStatus200,         ///< 200 with the body on every path.
  kStatus204,         ///< 204, without a body.
  kStatus404,         ///< 404 on every path.
  kRedirect,          ///< 302 to https://elsewhere.example.com/
  kContinueFirst,     ///< Two 1xx responses, then as kHealthy.
  kClosed,            ///< Nothing listens: connection refused.
  kHangAfterAccept,   ///< Accepts, then says nothing (before any TLS).
  kCloseAfterAccept,  ///< Accepts and closes, before any TLS.
  kPlainTcp,          ///< Greets like a mail server, without TLS.
  kHangAfterTls,      ///< Shakes hands, then says nothing.
  kCloseAfterTls,     ///< Reads the request and closes.
  kResetAfterTls,     ///< Reads the request and resets the connection.
  kNotHttp,           ///< Shakes hands, then speaks something that is not HTTP.
  kHangMidHeader,     ///< Half a response header, then nothing.
  kResetMidHeader,    ///< Half a response header, then a reset.
  kEndlessHeader,     ///< Header lines without end.
  kEndlessLine,       ///< One header line without end.
  kEndlessBody,       ///< 200 and a body without end.
  kHangMidBody,       ///< 200, the body and then nothing, although more was promised.
  kCloseMidBody,      ///< Likewise, but then it closes.
  kDrip,              ///< The response one octet each 100 ms.
  kGzip,              ///< 200 and the body, declared as gzip.
  kStatus500,         ///< 500 on every path.
  kStatus503,         ///< 503 on every path.
  kRedirectHome,      ///< 302 to /home, which is answered 200.
  kRedirectLoop,      ///< 302 to where it came from.
  kRefuseTls,         ///< Answers the ClientHello with a fatal alert.
  kEmptyReply,        ///< Reads the request and closes with a proper goodbye.
  kHttp09,            ///< A body without any header.
};

/// A small but real VPN site: a TLS HTTP/1.1 server on a thread of its own, with a self-signed
/// certificate made on the spot, whose behaviour can be switched at any time. Its listening socket
/// is bound once; the port stays its own while kClosed. Connections are kept alive.
///
/// Thread-safe. The constructor throws std::runtime_error when it cannot listen.
class VpnSite {
 public:
  struct Options {
    base::SocketAddress listen{base::IpAddress::v4({127, 0, 0, 1}), 0};  ///< Port 0: pick one.
    std::string name = "vpn.example.com";                                ///< In the certificate.
    bool tls = true;                                                     ///< False: plain HTTP.
    SiteBehaviour behaviour = SiteBehaviour::kHealthy;
    std::string body = "It works.";
    /// What it shows; by default self-signed for `name`.
    std::shared_ptr<const Identity> identity = nullptr;
  };

  /// What a client sent.
  struct Request {
    std::string line;                  ///< "GET / HTTP/1.1"
    std::vector<std::string> headers;  ///< "Host: vpn.example.com", in their order.
    std::string host;                  ///< The value of Host.
    std::string sni;                   ///< Empty without TLS or without SNI.
  };

  explicit VpnSite(Options options);
  VpnSite() : VpnSite(Options{}) {}
  ~VpnSite();

  base::SocketAddress address() const;
  std::uint16_t port() const { return address().port; }

  /// Takes effect before it returns, for connections that are accepted from then on. Existing
  /// connections keep the old behaviour, but kClosed ends them. Throws std::runtime_error when the
  /// site cannot listen again.
  void set_behaviour(SiteBehaviour behaviour);

  std::uint64_t connections() const;  ///< Accepted so far.
  std::uint64_t requests() const;     ///< Requests read so far.
  Request last_request() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace gslb::support
