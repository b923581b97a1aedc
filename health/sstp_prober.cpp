#include "health/sstp_prober.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <array>
#include <utility>

#include "health/http_prober.h"
#include "health/reason.h"
#include "health/sstp_message.h"
#include "health/stream_probe.h"

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // See stream_probe.cpp.

namespace gslb::health {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxHeader = std::size_t{16} << 10;
constexpr std::size_t kMaxQuoted = 60;

/// RFC 4122 §4.4, in braces.
std::string make_guid() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text = "{";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02X}", bytes[i]);
  }
  return text + "}";
}

class SstpProbe final : public StreamProbe {
 public:
  SstpProbe(asio::io_context& io, asio::ssl::context* tls,
            std::shared_ptr<const MonitorSpec> monitor, const base::IpAddress& address,
            Prober::Callback callback)
      : StreamProbe(io, tls, monitor, address, std::move(callback)),
        host_(http_host(*monitor, address)) {}

 private:
  asio::awaitable<void> converse() override {
    if (monitor().sstp_level == SstpLevel::kTls) {
      succeed_with_certificate("TLS established");
      co_return;
    }
    const bool is_open = co_await open_duplex();
    if (!is_open) co_return;
    if (monitor().sstp_level == SstpLevel::kDuplex) {
      succeed_with_certificate("SSTP_DUPLEX_POST answered 200");
      co_return;
    }
    co_await call();
  }

  /// §3.2.5.1: the response has a header alone; its body is the stream.
  asio::awaitable<bool> open_duplex() {
    set_stage("TLS established, but no answer to SSTP_DUPLEX_POST");
    const std::string request =
        make_sstp_request(percent_encode_path(monitor().path), host_, make_guid());
    const bool is_sent = co_await write(request);
    if (!is_sent) co_return false;
    std::size_t end = 0;
    while ((end = received().find("\r\n\r\n")) == std::string::npos) {
      if (!received().empty() && !received().starts_with(kHttp) &&
          !kHttp.starts_with(received().substr(0, kHttp.size()))) {
        fail("expected a HTTP response to SSTP_DUPLEX_POST, got something else");
        co_return false;
      }
      if (received().size() > kMaxHeader) {
        fail(fmt::format("response header longer than {} KiB", kMaxHeader / 1024));
        co_return false;
      }
      const bool has_more = co_await read_more("an answer to SSTP_DUPLEX_POST");
      if (!has_more) co_return false;
    }
    const std::string line = received().substr(0, received().find("\r\n"));
    received().erase(0, end + 4);
    if (line.starts_with("HTTP/1.1 200")) {
      record("SSTP_DUPLEX_POST answered 200");
      co_return true;
    }
    fail(fmt::format("expected status 200 to SSTP_DUPLEX_POST, got {}", status_of(line)));
    co_return false;
  }

  /// "503", of "HTTP/1.1 503 Service Unavailable"
  static std::string status_of(std::string_view line) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return quoted(line);
    return printable(line.substr(blank + 1, 3), kMaxQuoted);
  }

  asio::awaitable<void> call() {
    set_stage("SSTP_DUPLEX_POST answered 200, but no answer to SSTP_MSG_CALL_CONNECT_REQUEST");
    const std::string request = make_sstp_call_connect_request();
    const bool is_sent = co_await write(request);
    if (!is_sent) co_return;
    std::optional<SstpMessage> answer;
    while (!answer) {
      const auto message = parse_sstp_message(received());
      if (!message) {
        fail("expected an SSTP control packet, got " + message.error());
        co_return;
      }
      answer = *message;
      if (answer) break;
      const bool has_more = co_await read_more("an answer to SSTP_MSG_CALL_CONNECT_REQUEST");
      if (!has_more) co_return;
    }
    const std::string what = describe(*answer);
    const bool is_ack = answer->type == SstpMessageType::kCallConnectAck;
    if (!is_ack && answer->type != SstpMessageType::kCallConnectNak) {
      fail("expected SSTP_MSG_CALL_CONNECT_ACK or NAK, got " + what);
      co_return;
    }
    record("answered " + what);
    // §3.2.4.5: who gives a call up says so.
    const std::string abort = make_sstp_call_abort();
    if (is_ack) co_await leave(abort);
    if (is_over()) co_return;
    succeed_with_certificate("answered " + what);
  }

  static constexpr std::string_view kHttp = "HTTP/1.";

  std::string host_;
};

}  // namespace

struct SstpProber::Tls {
  asio::ssl::context context = make_probing_tls_context();
};

SstpProber::SstpProber(asio::io_context& io) : io_(io), tls_(std::make_unique<Tls>()) {}

SstpProber::~SstpProber() = default;

std::unique_ptr<Pending> SstpProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                           const base::IpAddress& address, Callback callback) {
  return ProbeRun::launch(std::make_shared<SstpProbe>(io_, &tls_->context, std::move(monitor),
                                                      address, std::move(callback)));
}

}  // namespace gslb::health
