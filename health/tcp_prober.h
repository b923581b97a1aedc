#pragma once

#include <memory>

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// Healthy when a TCP connection to the monitor's port is accepted; it sends nothing and closes at
/// once. `io` must outlive it; used on `io`'s thread.
class TcpProber final : public Prober {
 public:
  explicit TcpProber(boost::asio::io_context& io) : io_(io) {}

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  boost::asio::io_context& io_;
};

}  // namespace gslb::health
