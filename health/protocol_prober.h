#pragma once

#include "health/exec_prober.h"
#include "health/http_prober.h"
#include "health/icmp_prober.h"
#include "health/ikev2_prober.h"
#include "health/prober.h"
#include "health/sstp_prober.h"
#include "health/tcp_prober.h"

namespace gslb::health {

/// Every protocol behind one Prober: hands each probe to the part that speaks the monitor's
/// protocol. `io` must outlive it; used on `io`'s thread.
class ProtocolProber final : public Prober {
 public:
  explicit ProtocolProber(boost::asio::io_context& io)
      : http_(io), tcp_(io), icmp_(io), ikev2_(io), sstp_(io), exec_(io) {}

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  HttpProber http_;
  TcpProber tcp_;
  IcmpProber icmp_;
  Ikev2Prober ikev2_;
  SstpProber sstp_;
  ExecProber exec_;
};

}  // namespace gslb::health
