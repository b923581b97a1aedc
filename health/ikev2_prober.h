#pragma once

#include <memory>

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// Healthy when an IKEv2 responder answers IKE_SA_INIT (RFC 7296) on each UDP port of the monitor:
/// on `port`, and on `nat_port` behind the non-ESP marker; a port that is 0 is not asked. Clients
/// need both: those behind NAT go on at the second, and there a firewall may be in the way that
/// lets the first pass.
///
/// Any answer that only a working responder gives will do, see IkeResponse. Datagrams that are no
/// answer to the request are passed over, but told in the reason. A request is sent up to three
/// times within the timeout, the same each time (§2.1). An unreachable port fails at once. `io`
/// must outlive it; used on `io`'s thread.
class Ikev2Prober final : public Prober {
 public:
  explicit Ikev2Prober(boost::asio::io_context& io) : io_(io) {}

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  boost::asio::io_context& io_;
};

}  // namespace gslb::health
