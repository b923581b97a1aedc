#pragma once

#include <memory>

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// TCP probes: the site is healthy when it accepts a connection, shakes hands where the monitor
/// wants TLS, and says what the monitor expects, where it expects something. `io` must outlive it;
/// used on `io`'s thread. Probes under way when it is destroyed go on.
class TcpProber final : public Prober {
 public:
  explicit TcpProber(boost::asio::io_context& io);
  ~TcpProber() override;

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  struct Tls;

  boost::asio::io_context& io_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace gslb::health
