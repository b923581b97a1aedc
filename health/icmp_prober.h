#pragma once

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// ICMP echo (RFC 792, RFC 4443 §4): up to three requests within the timeout. It uses the kernel's
/// ping sockets, which need no privilege where net.ipv4.ping_group_range allows them (icmp(7)), and
/// raw sockets otherwise; where neither is to be had, a probe is a local fault. `io` must outlive
/// it; used on `io`'s thread. Probes under way when it is destroyed go on.
class IcmpProber final : public Prober {
 public:
  explicit IcmpProber(boost::asio::io_context& io) : io_(io) {}

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  boost::asio::io_context& io_;
};

}  // namespace gslb::health
