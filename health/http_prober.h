#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "health/prober.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

class CurlMulti;

/// HTTP and HTTPS probes. Each is a new client: a fresh connection to the probed address (names are
/// never looked up, proxies never used), HTTP/1.1 or HTTP/2 as the monitor says. Redirects are
/// followed where the monitor says so, to the probed address whatever host they name. It stops
/// reading as soon as the verdict is certain, and no peer can make it hold more than some 100 KiB.
/// `io` must outlive it; used on `io`'s thread. Probes under way when it is destroyed end without a
/// callback.
class HttpProber final : public Prober {
 public:
  explicit HttpProber(boost::asio::io_context& io);
  ~HttpProber() override;

  [[nodiscard]] std::unique_ptr<Pending> start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address,
                                               Callback callback) override;

 private:
  boost::asio::io_context& io_;
  std::shared_ptr<CurlMulti> multi_;
};

/// What stands in the Host header for the address: the monitor's host, or the address itself.
std::string http_host(const MonitorSpec& monitor, const base::IpAddress& address);

/// A configured path (and query) as it is sent: what RFC 3986 §3.3 and §3.4 do not allow is
/// percent-encoded, so '{' becomes "%7B"; valid "%XX" stays. A leading '/' is added where missing.
std::string percent_encode_path(std::string_view path);

}  // namespace gslb::health
