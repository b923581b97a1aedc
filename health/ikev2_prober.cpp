#include "health/ikev2_prober.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <vector>

#include "health/asio_address.h"
#include "health/ike_message.h"
#include "health/local_fault.h"
#include "health/probe_run.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;
using std::chrono::milliseconds;

/// The waits after requests double, so three of them fill the timeout: 1 + 2 + 4 sevenths.
constexpr int kMaxRequests = 3;
constexpr int kWaits = 7;
constexpr milliseconds kShortestWait{100};

std::string describe_udp(const error_code& error) {
  if (error == asio::error::connection_refused) return "port unreachable";
  return describe_errno(error.value());
}

/// The exchange with one port.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  /// Called once, with what came: an answer to be glad of, or the reason why there is none.
  using Done = std::function<void(Outcome outcome, const std::string& detail)>;

  Exchange(asio::io_context& io, std::uint16_t port, bool has_marker, IkeMode mode)
      : socket_(io), resend_(io), port_(port), has_marker_(has_marker) {
    const IkeSecrets secrets = IkeSecrets::draw();
    spi_ = secrets.spi;
    if (has_marker) request_.assign(kNonEspMarker.begin(), kNonEspMarker.end());
    const auto message = make_ike_sa_init(secrets, mode);
    request_.insert(request_.end(), message.begin(), message.end());
  }

  void start(const asio::ip::address& address, milliseconds timeout, Done done) {
    done_ = std::move(done);
    wait_ = std::max(kShortestWait, timeout / kWaits);
    const udp::endpoint peer(address, port_);
    error_code error;
    socket_.open(peer.protocol(), error);
    if (!error) socket_.non_blocking(true, error);
    // Connected, so that the kernel tells of ICMP errors, and drops what others send.
    if (!error) socket_.connect(peer, error);
    if (error) return refuse(error);
    send();
    receive();
  }

  void close() {
    done_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
    resend_.cancel();
  }

  std::uint16_t port() const { return port_; }
  bool is_done() const { return !done_; }

  /// Why it has no answer yet.
  std::string state() const {
    std::string text = "no IKE response to " + std::to_string(sent_) +
                       (sent_ == 1 ? " IKE_SA_INIT request" : " IKE_SA_INIT requests");
    if (strangers_ > 0) {
      text +=
          ", but " + std::to_string(strangers_) +
          (strangers_ == 1 ? " datagram that is none: " : " datagrams that are none, the last: ") +
          last_stranger_;
    }
    return text;
  }

 private:
  void send() {
    error_code error;
    socket_.send(asio::buffer(request_), 0, error);
    // A full buffer is a loss like any other.
    if (error && error != asio::error::would_block) {
      return refuse(error);
    }
    if (++sent_ == kMaxRequests) return;
    resend_.expires_after(wait_);
    wait_ *= 2;
    resend_.async_wait([this, self = shared_from_this()](error_code failed) {
      if (!failed && done_) send();
    });
  }

  void receive() {
    socket_.async_receive(asio::buffer(datagram_),
                          [this, self = shared_from_this()](error_code error, std::size_t size) {
                            if (!done_) return;
                            if (error) return refuse(error);
                            if (read({datagram_.data(), size})) receive();
                          });
  }

  /// True while an answer has to be waited for.
  bool read(std::span<const std::uint8_t> datagram) {
    if (has_marker_) {
      if (datagram.size() < kNonEspMarker.size() ||
          !std::equal(kNonEspMarker.begin(), kNonEspMarker.end(), datagram.begin())) {
        return pass_over("it has no non-ESP marker");
      }
      datagram = datagram.subspan(kNonEspMarker.size());
    }
    const auto response = parse_ike_response(datagram, spi_);
    if (!response) return pass_over(response.error());
    finish(response->is_healthy() ? Outcome::kSuccess : Outcome::kFailure,
           response->is_healthy() ? "answered " + describe(*response)
                                  : "expected an IKE_SA_INIT response, got " + describe(*response));
    return false;
  }

  bool pass_over(std::string why) {
    ++strangers_;
    last_stranger_ = std::move(why);
    return true;
  }

  void refuse(const error_code& error) {
    finish(is_local_fault(error.value()) ? Outcome::kLocalFault : Outcome::kFailure,
           describe_udp(error));
  }

  void finish(Outcome outcome, const std::string& detail) {
    if (!done_) return;
    const auto done = std::exchange(done_, nullptr);
    close();
    done(outcome, detail);
  }

  udp::socket socket_;
  asio::steady_timer resend_;
  std::uint16_t port_;
  bool has_marker_;
  IkeSpi spi_;
  std::vector<std::uint8_t> request_;
  std::array<std::uint8_t, 2048> datagram_{};
  milliseconds wait_{0};
  int sent_ = 0;
  int strangers_ = 0;
  std::string last_stranger_;
  Done done_;
};

/// An exchange with each port, all of which must succeed.
class Ikev2Probe final : public ProbeRun {
 public:
  Ikev2Probe(asio::io_context& io, std::shared_ptr<const MonitorSpec> monitor,
             const base::IpAddress& address, Prober::Callback callback)
      : ProbeRun(io, std::move(monitor), std::move(callback)), address_(to_asio(address)) {}

 private:
  void run() override {
    const auto add = [&](std::uint16_t port, bool has_marker) {
      if (port == 0) return;
      exchanges_.push_back(std::make_shared<Exchange>(io(), port, has_marker, monitor().ike_mode));
    };
    add(monitor().port, false);
    add(monitor().nat_port, true);
    const auto exchanges = exchanges_;  // The first may end the probe.
    for (const auto& exchange : exchanges) {
      if (is_over()) return;
      exchange->start(
          address_, monitor().timeout,
          [this, self = shared_from_this(), port = exchange->port()](
              Outcome outcome, const std::string& detail) { on_done(port, outcome, detail); });
    }
  }

  void on_done(std::uint16_t port, Outcome outcome, const std::string& detail) {
    details_ += (details_.empty() ? "" : "; ") + on_port(port) + detail;
    if (outcome != Outcome::kSuccess) return fail(on_port(port) + detail, outcome);
    record(on_port(port) + detail);
    const bool is_all = std::ranges::all_of(exchanges_, [](const auto& e) { return e->is_done(); });
    if (is_all) succeed(details_);
  }

  std::string stage() const override {
    std::string silent;
    for (const auto& exchange : exchanges_) {
      if (exchange->is_done()) continue;
      silent += (silent.empty() ? "" : "; ") + on_port(exchange->port()) + exchange->state();
    }
    return silent + (details_.empty() ? "" : "; " + details_);
  }

  static std::string on_port(std::uint16_t port) { return "UDP " + std::to_string(port) + ": "; }

  void close() override {
    for (const auto& exchange : exchanges_) exchange->close();
  }

  asio::ip::address address_;
  std::vector<std::shared_ptr<Exchange>> exchanges_;
  std::string details_;
};

}  // namespace

std::unique_ptr<Pending> Ikev2Prober::start(std::shared_ptr<const MonitorSpec> monitor,
                                            const base::IpAddress& address, Callback callback) {
  return ProbeRun::launch(
      std::make_shared<Ikev2Probe>(io_, std::move(monitor), address, std::move(callback)));
}

}  // namespace gslb::health
