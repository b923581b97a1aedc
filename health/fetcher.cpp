#include "health/fetcher.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/post.hpp>
#include <utility>

#include "health/curl_multi.h"
#include "health/reason.h"

namespace gslb::health {
namespace {

constexpr std::size_t kMaxBody = std::size_t{1} << 20;
constexpr std::size_t kMaxQuoted = 120;

class Download {
 public:
  Download(const FetchSpec& spec, Fetcher::Callback callback)
      : callback_(std::move(callback)), easy_(curl_easy_init()) {
    CURL* const easy = easy_.get();
    if (easy == nullptr) return;
    curl_easy_setopt(easy, CURLOPT_URL, spec.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(spec.timeout.count()));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    // Between two polls a firewall may forget the connection.
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "gslbd");
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_.data());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Download::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    if (!spec.post.empty()) {
      headers_.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
      curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(spec.post.size()));
      curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, spec.post.c_str());
      is_post_ = true;
    }
    if (!spec.verify_certificate) {
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  CURL* easy() const { return easy_.get(); }
  void cancel() { callback_ = nullptr; }

  void finish(CURLcode code) {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (is_too_large_) {
      call(tl::make_unexpected(std::string("answers with more than 1 MiB")));
    } else if (code != CURLE_OK) {
      const char* text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
      call(tl::make_unexpected(printable(text, kMaxQuoted)));
    } else if (is_post_ ? status / 100 != 2 : status != 200) {
      call(tl::make_unexpected(
          fmt::format("expected status {}, got {}", is_post_ ? "2xx" : "200", status)));
    } else {
      call(std::move(body_));
    }
  }
  void refuse() { call(tl::make_unexpected(std::string("libcurl takes no more transfers"))); }

 private:
  void call(const Fetcher::Result& result) {
    if (const auto callback = std::exchange(callback_, nullptr)) callback(result);
  }

  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& download = *static_cast<Download*>(self);
    const std::size_t octets = size * count;
    if (download.body_.size() + octets > kMaxBody) {
      download.is_too_large_ = true;
      return 0;
    }
    download.body_.append(data, octets);
    return octets;
  }

  Fetcher::Callback callback_;  ///< Empty once called or cancelled.
  std::string body_;
  bool is_too_large_ = false;
  bool is_post_ = false;
  // What libcurl points into lives longer than its handle.
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::unique_ptr<curl_slist, CurlListDeleter> headers_;
  std::unique_ptr<CURL, CurlEasyDeleter> easy_;
};

class PendingDownload final : public Pending {
 public:
  PendingDownload(std::weak_ptr<CurlMulti> multi, std::shared_ptr<Download> download)
      : multi_(std::move(multi)), download_(std::move(download)) {}
  ~PendingDownload() override {
    download_->cancel();
    const auto multi = multi_.lock();
    if (multi && download_->easy() != nullptr) multi->remove(download_->easy());
  }

 private:
  std::weak_ptr<CurlMulti> multi_;
  std::shared_ptr<Download> download_;
};

}  // namespace

HttpFetcher::HttpFetcher(boost::asio::io_context& io)
    : io_(io), multi_(std::make_shared<CurlMulti>(io)) {}

HttpFetcher::~HttpFetcher() = default;

std::unique_ptr<Pending> HttpFetcher::fetch(const FetchSpec& spec, Callback callback) {
  auto download = std::make_shared<Download>(spec, std::move(callback));
  // The closure keeps the download alive while libcurl uses it.
  const bool started =
      download->easy() != nullptr &&
      multi_->add(download->easy(), [download](CURLcode code) { download->finish(code); });
  if (!started) boost::asio::post(io_, [download] { download->refuse(); });
  return std::make_unique<PendingDownload>(multi_, std::move(download));
}

}  // namespace gslb::health
