#pragma once

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// Probes by a command of the administrator's: exit status 0 is healthy, and the last line that it
/// wrote is the reason. It finds GSLBD_ADDRESS, GSLBD_MONITOR and GSLBD_TIMEOUT_MS in its
/// environment, and "{address}" in its arguments is replaced. One that cannot be started is a local
/// fault. `io` must outlive it; used on `io`'s thread.
class ExecProber final : public Prober {
 public:
  explicit ExecProber(boost::asio::io_context& io) : io_(io) {}

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  boost::asio::io_context& io_;
};

}  // namespace gslb::health
