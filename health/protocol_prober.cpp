#include "health/protocol_prober.h"

#include <utility>

namespace gslb::health {

std::unique_ptr<Pending> ProtocolProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address, Callback callback) {
  Prober* prober = nullptr;
  switch (monitor->protocol) {
    case Protocol::kHttp:
    case Protocol::kHttps:
      prober = &http_;
      break;
    case Protocol::kTcp:
      prober = &tcp_;
      break;
    case Protocol::kIcmp:
      prober = &icmp_;
      break;
    case Protocol::kIkev2:
      prober = &ikev2_;
      break;
    case Protocol::kSstp:
      prober = &sstp_;
      break;
    case Protocol::kExec:
      prober = &exec_;
      break;
  }
  return prober->start(std::move(monitor), address, std::move(callback));
}

}  // namespace gslb::health
