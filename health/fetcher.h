#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "health/pending.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

class CurlMulti;

struct FetchSpec {
  std::string url;  ///< http or https.
  std::chrono::milliseconds timeout{10'000};
  bool verify_certificate = true;
  std::string post = {};  ///< JSON to send with POST; empty: GET.
};

/// Gets what a URL stands for, so that tests can bring their own. One thread.
class Fetcher {
 public:
  /// The body of a response with status 200, or of any 2xx to POST; or one line that says why there
  /// is none.
  using Result = tl::expected<std::string, std::string>;
  using Callback = std::function<void(const Result&)>;

  virtual ~Fetcher() = default;

  /// `callback` is called exactly once, after this function has returned and within about
  /// `spec.timeout`, unless the result is destroyed before.
  [[nodiscard]] virtual std::unique_ptr<Pending> fetch(const FetchSpec& spec,
                                                       Callback callback) = 0;
};

/// By libcurl, of at most 1 MiB and without redirects. `io` must outlive it; used on `io`'s thread.
class HttpFetcher final : public Fetcher {
 public:
  explicit HttpFetcher(boost::asio::io_context& io);
  ~HttpFetcher() override;

  [[nodiscard]] std::unique_ptr<Pending> fetch(const FetchSpec& spec, Callback callback) override;

 private:
  boost::asio::io_context& io_;
  std::shared_ptr<CurlMulti> multi_;
};

}  // namespace gslb::health
