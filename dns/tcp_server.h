#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "dns/answer.h"
#include "dns/tls_credentials.h"
#include "zones/published.h"

namespace gslb::dns {

/// Limits of DNS over TCP (RFC 7766 §6.2, RFC 9210).
struct TcpLimits {
  std::size_t connections = 1024;           ///< In total; the one idle for longest makes room.
  std::size_t connections_per_client = 64;  ///< By address; further ones are closed at once.
  /// From one complete query to the next, however many octets trickle in between.
  std::chrono::milliseconds idle_timeout{10'000};
  /// For a client to take the responses to what it sent.
  std::chrono::milliseconds write_timeout{5'000};
  std::size_t transfers = 10;  ///< Zone transfers of several messages at a time.
  /// For a client to take a whole zone.
  std::chrono::milliseconds transfer_timeout{600'000};
};

/// A listening socket, and what is spoken there.
struct TcpListener {
  base::UniqueFd socket;
  bool tls = false;  ///< DNS over TLS (RFC 7858).
};

/// DNS over TCP and over TLS for all listen addresses, on one thread of its own: length-prefixed
/// messages (RFC 1035 §4.2.2), any number of them in flight on one connection (RFC 7766 §6.2.1.1),
/// answered in order. A client that does not read its responses is not read from. Of a zone
/// transfer one message at a time is made, once the client has taken the one before. Owned by the
/// server; start and stop from one thread.
class TcpServer {
 public:
  /// The sockets are listening. `published` must outlive the server.
  TcpServer(std::vector<TcpListener> listeners, const zones::Published& published, TcpLimits limits,
            std::uint64_t seed);
  ~TcpServer();

  void start();

  /// The certificate for new connections over TLS; connections that are open keep theirs. Without
  /// one, they are closed at once. From any thread.
  void set_tls_credentials(std::shared_ptr<const TlsCredentials> credentials);

  /// Closes the listeners, lets responses under way finish, and ends the thread.
  void stop();

  /// May be read from any thread.
  const Counters& counters() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gslb::dns
