#pragma once

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <unordered_map>

namespace gslb::health {

struct CurlEasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct CurlMultiDeleter {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct CurlListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// Runs libcurl transfers on an io_context, by the multi socket interface
/// (https://curl.se/libcurl/c/curl_multi_socket_action.html). It knows nothing about probes.
/// Internal to this room: it is the one header with libcurl and Asio in it. One thread, that of
/// `io`, which must outlive it. Held by shared_ptr, because handlers may still be queued when the
/// owner lets go.
class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
 public:
  using Done = std::function<void(CURLcode)>;

  explicit CurlMulti(boost::asio::io_context& io);
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;
  ~CurlMulti();

  /// Starts a transfer. `done` is called once, never inside this call; it may add and remove
  /// transfers. `easy` must live until `done` was called or `remove` returned. False: refused.
  bool add(CURL* easy, Done done);

  /// Ends a transfer without calling its `done`. Nothing happens to one that has ended.
  void remove(CURL* easy);

 private:
  struct Watch;

  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* watch);
  static int on_timer(CURLM* multi, long timeout_ms, void* self);

  void wait_for(const std::shared_ptr<Watch>& watch);
  void on_ready(const std::shared_ptr<Watch>& watch, int events);
  void drive(curl_socket_t socket, int events);
  void forget(curl_socket_t socket);

  boost::asio::io_context& io_;
  boost::asio::steady_timer timer_;
  std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
  std::unordered_map<CURL*, Done> transfers_;
  std::unique_ptr<CURLM, CurlMultiDeleter> multi_;
};

}  // namespace gslb::health
