#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace gslb::support {

/// What an SstpSite does to its clients.
enum class SstpBehaviour : std::uint8_t {
  kHealthy,        ///< SSTP_DUPLEX_POST is answered 200, a call by CALL_CONNECT_ACK.
  kNak,            ///< A call is answered by CALL_CONNECT_NAK, retry count exceeded.
  kNoPorts,        ///< SSTP_DUPLEX_POST is answered 503; GET still 401.
  kSilentDuplex,   ///< SSTP_DUPLEX_POST is not answered.
  kCloseOnDuplex,  ///< SSTP_DUPLEX_POST ends the connection.
  kDuplexGarbage,  ///< SSTP_DUPLEX_POST is answered by what is no HTTP.
  kDuplexEndless,  ///< The header of the response has no end.
  kSilentCall,     ///< A call is not answered.
  kCloseOnCall,    ///< A call ends the connection.
  kCallGarbage,    ///< A call is answered by what is no SSTP.
  kCallData,       ///< A call is answered by a data packet.
  kCallAbort,      ///< A call is answered by CALL_ABORT, value not supported.
  kAckInPieces,    ///< Healthy, but each octet of the ACK comes alone.
};

/// The server's side of SSTP as far as the call, octet by octet as [MS-SSTP] §2.2 has it, over TLS
/// with a self-signed certificate, on a thread of its own. To GET it answers 401, as RRAS does.
///
/// Thread-safe. The constructor throws std::runtime_error when it cannot listen.
class SstpSite {
 public:
  explicit SstpSite(SstpBehaviour behaviour = SstpBehaviour::kHealthy,
                    const std::string& name = "vpn.example.com");
  ~SstpSite();

  base::SocketAddress address() const;
  std::uint16_t port() const { return address().port; }
  /// For connections that are accepted from then on.
  void set_behaviour(SstpBehaviour behaviour);

  std::string last_request() const;          ///< The header of the newest SSTP_DUPLEX_POST.
  std::vector<std::string> packets() const;  ///< All that clients have sent, each from its header.
  std::string certificate_pem() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace gslb::support
