#include "health/tcp_prober.h"

#include <fmt/format.h>

#include <utility>

#include "health/reason.h"
#include "health/stream_probe.h"

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // See stream_probe.cpp.

namespace gslb::health {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxRead = std::size_t{64} << 10;

class TcpProbe final : public StreamProbe {
 public:
  using StreamProbe::StreamProbe;

 private:
  asio::awaitable<void> converse() override {
    if (!monitor().send.empty()) {
      const bool is_sent = co_await write(monitor().send);
      if (!is_sent) co_return;
    }
    const std::string& wanted = monitor().expect;
    if (wanted.empty()) {
      succeed_with_certificate(monitor().tls ? "TLS established" : "connection accepted");
      co_return;
    }
    const std::string what = quoted(wanted) + " was received";
    while (received().find(wanted) == std::string::npos) {
      set_stage(
          fmt::format("no {} among the {} bytes received", quoted(wanted), received().size()));
      if (received().size() >= kMaxRead) {
        fail(fmt::format("first {} KiB received do not contain {}", kMaxRead / 1024,
                         quoted(wanted)));
        co_return;
      }
      const bool has_more = co_await read_more(what);
      if (!has_more) co_return;
    }
    record("received " + quoted(wanted));
    succeed_with_certificate("received " + quoted(wanted));
  }
};

}  // namespace

struct TcpProber::Tls {
  asio::ssl::context context = make_probing_tls_context();
};

TcpProber::TcpProber(asio::io_context& io) : io_(io), tls_(std::make_unique<Tls>()) {}

TcpProber::~TcpProber() = default;

std::unique_ptr<Pending> TcpProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                          const base::IpAddress& address, Callback callback) {
  asio::ssl::context* const tls = monitor->tls ? &tls_->context : nullptr;
  return ProbeRun::launch(
      std::make_shared<TcpProbe>(io_, tls, std::move(monitor), address, std::move(callback)));
}

}  // namespace gslb::health
