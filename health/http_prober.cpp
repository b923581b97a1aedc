#include "health/http_prober.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cctype>
#include <cerrno>
#include <optional>
#include <utility>

#include "health/curl_multi.h"
#include "health/local_fault.h"
#include "health/openssl_ptr.h"
#include "health/peer_certificate.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{64} * 1024;
constexpr std::size_t kMaxBodyBytes = std::size_t{64} * 1024;
constexpr std::size_t kMaxQuotedBytes = 120;

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

/// "401", "200-299", "200, 204 or 300-399".
std::string describe(const std::vector<StatusRange>& ranges) {
  std::string text;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (i > 0) text += i + 1 == ranges.size() ? " or " : ", ";
    text += std::to_string(ranges[i].first);
    if (ranges[i].last != ranges[i].first) text += "-" + std::to_string(ranges[i].last);
  }
  return text;
}

std::string bracketed(const base::IpAddress& address) {
  const std::string text = base::to_string(address);
  return address.is_v6() ? "[" + text + "]" : text;
}

/// One probe: the request, what has arrived of the response, and the verdict as soon as there is
/// one. libcurl calls back into it while it is in a CurlMulti.
class Transfer {
 public:
  Transfer(std::shared_ptr<const MonitorSpec> monitor, const base::IpAddress& address,
           Prober::Callback callback)
      : monitor_(std::move(monitor)), callback_(std::move(callback)), easy_(curl_easy_init()) {
    if (easy_) prepare(address);
  }

  CURL* easy() const { return easy_.get(); }

  void cancel() { callback_ = nullptr; }

  void finish(CURLcode code) {
    if (code == CURLE_COULDNT_CONNECT && connect_errno_ == 0) {
      long error = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &error);
      connect_errno_ = static_cast<int>(error);
    }
    if (!verdict_) fail(explain(code));
    finish_now();
  }

  void refuse() {
    fail("libcurl refused the probe");
    finish_now();
  }

 private:
  template <typename Value>
  void set(CURLoption option, Value value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  void prepare(const base::IpAddress& address) {
    const bool tls = monitor_->protocol == Protocol::kHttps;
    const std::string host = http_host(*monitor_, address);
    const std::string url = fmt::format("{}://{}:{}{}", tls ? "https" : "http", host,
                                        monitor_->port, percent_encode_path(monitor_->path));
    // "HOST:PORT:to:port"; the empty HOST and PORT mean any, and the empty port that of the URL. So
    // no name is ever looked up, and a redirect stays at the address.
    const std::string connect_to = fmt::format("::{}:", bracketed(address));
    connect_to_.reset(curl_slist_append(nullptr, connect_to.c_str()));
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_CONNECT_TO, connect_to_.get());
    // It would keep the addresses, and go through all that it keeps for each connection.
    set(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    if (monitor_->follow_redirects > 0) {
      set(CURLOPT_FOLLOWLOCATION, 1L);
      set(CURLOPT_MAXREDIRS, static_cast<long>(monitor_->follow_redirects));
    }
    set(CURLOPT_PROXY, "");  // Set, so that no environment variable brings one in.
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);
    const long timeout_ms = std::max<long>(1, monitor_->timeout.count());  // 0 would mean none.
    set(CURLOPT_TIMEOUT_MS, timeout_ms);
    set(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
    prepare_request();
    prepare_tls();
    prepare_callbacks();
  }

  void prepare_request() {
    const bool is_http2 = monitor_->http_version == HttpVersion::kHttp2;
    set(CURLOPT_HTTP_VERSION,
        static_cast<long>(is_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    if (monitor_->method == HttpMethod::kHead) set(CURLOPT_NOBODY, 1L);
    set(CURLOPT_USERAGENT, "gslbd");
    for (const auto& [name, value] : monitor_->headers) {
      // libcurl takes "Name:" as an order to leave the header out; "Name;" sends it empty.
      const std::string line = value.empty() ? name + ";" : fmt::format("{}: {}", name, value);
      curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
      if (longer == nullptr) continue;
      static_cast<void>(headers_.release());  // It is the head of `longer`.
      headers_.reset(longer);
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
  }

  void prepare_tls() {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    // Otherwise the system's store is read for each connection, although nothing is verified.
    const char* const none = nullptr;
    set(CURLOPT_CAINFO, none);
    set(CURLOPT_CAPATH, none);
    set(CURLOPT_SSL_CTX_FUNCTION, &Transfer::on_tls);
    set(CURLOPT_SSL_CTX_DATA, this);
  }

  void prepare_callbacks() {
    set(CURLOPT_ERRORBUFFER, error_text_.data());
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
  }

  static curl_socket_t on_open_socket(void* self, curlsocktype /*purpose*/,
                                      curl_sockaddr* address) {
    // Close-on-exec, so that commands which the daemon starts inherit no probe.
    const int socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                address->protocol);
    if (socket < 0) {
      static_cast<Transfer*>(self)->connect_errno_ = errno;
      static_cast<Transfer*>(self)->is_unopened_ = true;
    }
    return socket;
  }

  /// Called between the TCP connection and the handshake.
  static CURLcode on_tls(CURL* /*easy*/, void* ssl_ctx, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.tls_begun_ = true;
    if (transfer.monitor_->certificate.policy != CertificatePolicy::kIgnore) {
      SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(ssl_ctx), &Transfer::on_certificate,
                                       self);
    }
    return CURLE_OK;
  }

  /// Keeps the chain and lets the handshake go on: it is examined at the end, so that a probe tells
  /// all that it found.
  static int on_certificate(X509_STORE_CTX* context, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (STACK_OF(X509)* const chain = X509_STORE_CTX_get0_untrusted(context)) {
      transfer.chain_.reset(X509_chain_up_ref(chain));
    }
    return 1;
  }

  static std::size_t on_header(char* data, std::size_t one, std::size_t size, void* self) {
    const std::string_view line(data, one * size);
    return static_cast<Transfer*>(self)->take_header(line) ? line.size() : 0;
  }

  static std::size_t on_body(char* data, std::size_t one, std::size_t size, void* self) {
    const std::string_view bytes(data, one * size);
    return static_cast<Transfer*>(self)->take_body(bytes) ? bytes.size() : 0;
  }

  /// One line of the header. False ends the transfer: the verdict is there.
  bool take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > kMaxHeaderBytes) {
      fail(fmt::format("response header longer than {} KiB", kMaxHeaderBytes / 1024));
      return false;
    }
    const bool ends_header = line == "\r\n" || line == "\n";
    if (header_complete_ || !ends_header) return true;
    // RFC 9110 §15.2: any number of 1xx responses may come before the final one.
    if (status() < 200) return true;
    if (is_followed()) {
      ++redirects_;
      header_bytes_ = 0;
      return true;
    }
    header_complete_ = true;
    record("status " + std::to_string(status()));
    if (!judge_status()) return false;
    if (!monitor_->expect_body.empty()) return true;
    succeed();
    return false;
  }

  bool take_body(std::string_view bytes) {
    const std::string& wanted = monitor_->expect_body;
    const std::size_t searched = body_.size() - std::min(body_.size(), wanted.size());
    body_.append(bytes.substr(0, kMaxBodyBytes - body_.size()));
    if (body_.find(wanted, searched) != std::string::npos) {
      succeed();
      return false;
    }
    if (body_.size() < kMaxBodyBytes) return true;
    fail(fmt::format("first {} KiB of the body do not contain {}", kMaxBodyBytes / 1024,
                     quoted_body()));
    return false;
  }

  /// RFC 9110 §15.4: what libcurl is about to follow.
  bool is_followed() const {
    const bool is_redirect = status() >= 300 && status() < 400 && !location().empty();
    return is_redirect && redirects_ < monitor_->follow_redirects;
  }

  /// Where the response points to; may be empty.
  std::string_view location() const {
    curl_header* found = nullptr;
    constexpr int kLatestResponse = -1;
    const CURLHcode code =
        curl_easy_header(easy_.get(), "Location", 0, CURLH_HEADER, kLatestResponse, &found);
    return code == CURLHE_OK ? std::string_view(found->value) : std::string_view();
  }

  bool judge_status() {
    if (monitor_->http_version == HttpVersion::kHttp2 && !is_http2()) {
      fail("expected HTTP/2, got HTTP/1.1");
      return false;
    }
    static const std::vector<StatusRange> kDefault{{200, 200}};
    const auto& expected = monitor_->expected_status.empty() ? kDefault : monitor_->expected_status;
    const long got = status();
    const bool as_expected = std::any_of(expected.begin(), expected.end(), [&](auto range) {
      return range.first <= got && got <= range.last;
    });
    if (as_expected) return true;
    std::string reason = fmt::format("expected status {}, got {}", describe(expected), got);
    if (const std::string_view to = location(); !to.empty()) {
      reason += fmt::format(" (redirect to {})", printable(to, kMaxQuotedBytes));
    }
    fail(std::move(reason));
    return false;
  }

  std::string explain(CURLcode code) const {
    switch (code) {
      case CURLE_OK:
        return fmt::format("body does not contain {} ({} bytes)", quoted_body(), body_.size());
      case CURLE_OPERATION_TIMEDOUT:
        return timed_out(monitor_->timeout, stage());
      case CURLE_COULDNT_CONNECT:
        return explain_connect();
      case CURLE_SSL_CONNECT_ERROR:
        return describe_handshake_error(error_text_.data());
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_PARTIAL_FILE:
        return explain_end();
      case CURLE_UNSUPPORTED_PROTOCOL:
      case CURLE_WEIRD_SERVER_REPLY:
        return "expected a HTTP response, got something else";
      default:
        break;
    }
    if (code == CURLE_OUT_OF_MEMORY && is_connected() && !header_complete_) {
      return "response header line longer than 100 KiB";  // libcurl's limit, CURL_MAX_HTTP_HEADER.
    }
    const char* const text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
    return printable(text, kMaxQuotedBytes);
  }

  std::string explain_connect() const {
    if (is_unopened_) return "cannot open a socket: " + describe_errno(connect_errno_);
    return connect_errno_ != 0 ? describe_errno(connect_errno_) : "no connection";
  }

  /// The peer ended the connection. When, and how?
  std::string explain_end() const {
    const std::string_view text(error_text_.data());
    const bool reset = text.find("reset by peer") != std::string_view::npos;
    const char* const what = reset ? "connection reset" : "connection closed";
    if (header_complete_) {
      return fmt::format("{} in the middle of the body, which does not contain {} so far", what,
                         quoted_body());
    }
    if (header_bytes_ > 0) return fmt::format("{} in the middle of the response header", what);
    return fmt::format("{} before a HTTP response", what);
  }

  /// How far a probe got that ran out of time.
  std::string stage() const {
    if (header_complete_) {
      return fmt::format("status {} received, but no end of the body and no {} in it", status(),
                         quoted_body());
    }
    if (header_bytes_ > 0) {
      return fmt::format("status {} received, but no end of the response header", status());
    }
    if (!is_connected()) return "no connection";
    if (monitor_->protocol != Protocol::kHttps) return "connected, but no HTTP response";
    if (!has_passed(CURLINFO_APPCONNECT_TIME_T)) return "connected, but no TLS handshake";
    return "TLS established, but no HTTP response";
  }

  /// With TLS, libcurl counts the connection as made only after the handshake.
  bool is_connected() const { return tls_begun_ || has_passed(CURLINFO_CONNECT_TIME_T); }

  /// libcurl's timings are at least 1 µs for a stage that is over, and 0 before.
  bool has_passed(CURLINFO timing) const {
    curl_off_t duration_us = 0;
    curl_easy_getinfo(easy_.get(), timing, &duration_us);
    return duration_us > 0;
  }

  bool is_http2() const {
    long version = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0;
  }

  long status() const {
    long code = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  std::string quoted_body() const {
    return fmt::format("\"{}\"", printable(monitor_->expect_body, kMaxQuotedBytes));
  }

  void succeed() {
    verdict_ = ProbeResult{Outcome::kSuccess, fmt::format("status {}", status()), {}};
    if (!monitor_->expect_body.empty()) verdict_->detail += ", body contains " + quoted_body();
  }
  void fail(std::string reason) {
    const bool is_local = is_local_fault(connect_errno_);
    verdict_ =
        ProbeResult{is_local ? Outcome::kLocalFault : Outcome::kFailure, std::move(reason), {}};
  }

  std::chrono::microseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                 started_);
  }

  void record(std::string what) { steps_.push_back({std::move(what), elapsed()}); }

  /// What libcurl timed goes before what has been recorded.
  std::vector<ProbeStep> all_steps() {
    std::vector<ProbeStep> steps;
    const std::pair<CURLINFO, const char*> timings[] = {
        {CURLINFO_CONNECT_TIME_T, "TCP connection"}, {CURLINFO_APPCONNECT_TIME_T, "TLS handshake"}};
    for (const auto& [timing, what] : timings) {
      curl_off_t duration_us = 0;
      curl_easy_getinfo(easy_.get(), timing, &duration_us);
      if (duration_us > 0) steps.push_back({what, std::chrono::microseconds(duration_us)});
    }
    steps.insert(steps.end(), steps_.begin(), steps_.end());
    return steps;
  }

  void judge_certificate() {
    auto report = report_certificate(chain_.get(), *monitor_);
    const std::string refusal = find_refusal(report.get(), *monitor_);
    if (verdict_->success() && !refusal.empty()) fail(refusal);
    verdict_->certificate = std::move(report);
  }

  void finish_now() {
    if (!callback_) return;
    const auto run = std::exchange(callback_, nullptr);
    judge_certificate();
    if (easy_) verdict_->steps = all_steps();
    verdict_->elapsed = elapsed();
    run(*verdict_);
  }

  const std::shared_ptr<const MonitorSpec> monitor_;
  Prober::Callback callback_;  // Empty once called or cancelled.
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  std::optional<ProbeResult> verdict_;
  std::size_t header_bytes_ = 0;
  bool header_complete_ = false;
  std::string body_;
  int connect_errno_ = 0;  ///< Why there is no connection.
  bool is_unopened_ = false;
  bool tls_begun_ = false;
  unsigned redirects_ = 0;  ///< Followed so far.
  std::vector<ProbeStep> steps_;
  X509ChainPtr chain_;  ///< What the server showed, its own certificate first.

  // What libcurl points into lives longer than its handle.
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::unique_ptr<curl_slist, CurlListDeleter> connect_to_;
  std::unique_ptr<curl_slist, CurlListDeleter> headers_;
  std::unique_ptr<CURL, CurlEasyDeleter> easy_;
};

class PendingTransfer final : public Pending {
 public:
  PendingTransfer(std::weak_ptr<CurlMulti> multi, std::shared_ptr<Transfer> transfer)
      : multi_(std::move(multi)), transfer_(std::move(transfer)) {}
  ~PendingTransfer() override {
    transfer_->cancel();
    const auto multi = multi_.lock();
    if (multi && transfer_->easy() != nullptr) multi->remove(transfer_->easy());
  }

 private:
  std::weak_ptr<CurlMulti> multi_;
  std::shared_ptr<Transfer> transfer_;
};

/// RFC 3986: unreserved, sub-delims, ":" and "@" (pchar), and the "/" and "?" between them.
bool is_allowed_in_path(char c) {
  constexpr std::string_view kPunctuation = "-._~!$&'()*+,;=:@/?";
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         kPunctuation.find(c) != std::string_view::npos;
}

}  // namespace

std::string http_host(const MonitorSpec& monitor, const base::IpAddress& address) {
  return monitor.host.empty() ? bracketed(address) : monitor.host;
}

std::string percent_encode_path(std::string_view path) {
  std::string result;
  if (!path.starts_with('/')) result += '/';
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    const bool encoded =
        c == '%' && i + 2 < path.size() && is_hex(path[i + 1]) && is_hex(path[i + 2]);
    if (encoded || is_allowed_in_path(c)) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

HttpProber::HttpProber(boost::asio::io_context& io)
    : io_(io), multi_(std::make_shared<CurlMulti>(io)) {}

HttpProber::~HttpProber() = default;

std::unique_ptr<Pending> HttpProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                           const base::IpAddress& address, Callback callback) {
  auto transfer = std::make_shared<Transfer>(std::move(monitor), address, std::move(callback));
  // The closure keeps the transfer alive while libcurl uses it.
  const bool started =
      transfer->easy() != nullptr &&
      multi_->add(transfer->easy(), [transfer](CURLcode code) { transfer->finish(code); });
  if (!started) boost::asio::post(io_, [transfer] { transfer->refuse(); });
  return std::make_unique<PendingTransfer>(multi_, std::move(transfer));
}

}  // namespace gslb::health
