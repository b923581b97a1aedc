#pragma once

#include <memory>

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// SSTP probes, as far up the ladder as the monitor says ([MS-SSTP] §3.2): a TLS handshake, the
/// duplex stream, which a server without a free port refuses, and the request for a call, which is
/// given up at once. `io` must outlive it; used on `io`'s thread. Probes under way when it is
/// destroyed go on.
class SstpProber final : public Prober {
 public:
  explicit SstpProber(boost::asio::io_context& io);
  ~SstpProber() override;

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  struct Tls;

  boost::asio::io_context& io_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace gslb::health
