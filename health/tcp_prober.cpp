#include "health/tcp_prober.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "health/asio_address.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

struct Connect {
  explicit Connect(asio::io_context& io) : socket(io), timer(io) {}

  void finish(bool success, std::string detail) {
    if (!callback) return;  // Finished by the other handler, or cancelled.
    const auto run = std::exchange(callback, nullptr);
    close();
    run({success, std::move(detail),
         std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               started)});
  }

  void close() {
    boost::system::error_code ignored;
    socket.close(ignored);
    timer.cancel();
  }

  tcp::socket socket;
  asio::steady_timer timer;
  Prober::Callback callback;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

class PendingConnect final : public Pending {
 public:
  explicit PendingConnect(std::shared_ptr<Connect> connect) : connect_(std::move(connect)) {}
  ~PendingConnect() override {
    connect_->callback = nullptr;
    connect_->close();
  }

 private:
  std::shared_ptr<Connect> connect_;
};

}  // namespace

std::unique_ptr<Pending> TcpProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                          const base::IpAddress& address, Callback callback) {
  auto connect = std::make_shared<Connect>(io_);
  connect->callback = std::move(callback);
  connect->timer.expires_after(monitor->timeout);
  connect->timer.async_wait(
      [connect, timeout = monitor->timeout](const boost::system::error_code& error) {
        if (!error) connect->finish(false, timed_out(timeout, "no connection"));
      });
  // Opens the socket too; where that fails, the handler gets the error like any other.
  connect->socket.async_connect(
      {to_asio(address), monitor->port}, [connect](const boost::system::error_code& error) {
        connect->finish(!error, error ? describe_errno(error.value()) : "connection accepted");
      });
  return std::make_unique<PendingConnect>(std::move(connect));
}

}  // namespace gslb::health
