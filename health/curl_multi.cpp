#include "health/curl_multi.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <utility>

namespace gslb::health {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

/// A socket that libcurl owns and Asio watches. Released, never closed, by this side.
struct CurlMulti::Watch {
  explicit Watch(asio::io_context& io) : descriptor(io) {}
  ~Watch() { release(); }

  void release() {
    if (descriptor.is_open()) descriptor.release();
  }

  stream_descriptor descriptor;
  int wanted = 0;        // CURL_POLL_IN, _OUT or both.
  bool reading = false;  // A wait for it is under way.
  bool writing = false;
};

CurlMulti::CurlMulti(asio::io_context& io) : io_(io), timer_(io) {
  // Once per process, and thread-safe in the libcurl of Debian 12.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return;  // add() then refuses.
  multi_.reset(curl_multi_init());
  if (!multi_) return;
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti() {
  for (const auto& [easy, done] : transfers_) curl_multi_remove_handle(multi_.get(), easy);
  // Before the watches, because it still calls on_socket().
  multi_.reset();
}

bool CurlMulti::add(CURL* easy, Done done) {
  if (!multi_) return false;
  transfers_[easy] = std::move(done);
  // Starts nothing yet: it calls on_timer() with 0, and the work begins there.
  if (curl_multi_add_handle(multi_.get(), easy) == CURLM_OK) return true;
  transfers_.erase(easy);
  return false;
}

void CurlMulti::remove(CURL* easy) {
  if (transfers_.erase(easy) > 0) curl_multi_remove_handle(multi_.get(), easy);
}

int CurlMulti::on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self, void*) {
  auto& multi = *static_cast<CurlMulti*>(self);
  if (what == CURL_POLL_REMOVE) {
    multi.forget(socket);
    return 0;
  }
  auto& watch = multi.watches_[socket];
  if (!watch) {
    watch = std::make_shared<Watch>(multi.io_);
    boost::system::error_code error;
    watch->descriptor.assign(socket, error);
    if (error) {  // Out of kernel memory: the transfer will run into its timeout.
      multi.watches_.erase(socket);
      return 0;
    }
  }
  watch->wanted = what;
  multi.wait_for(watch);
  return 0;
}

int CurlMulti::on_timer(CURLM* /*multi*/, long timeout_ms, void* self) {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.timer_.cancel();
  if (timeout_ms < 0) return 0;
  multi.timer_.expires_after(std::chrono::milliseconds(timeout_ms));
  multi.timer_.async_wait([weak = multi.weak_from_this()](const boost::system::error_code& error) {
    if (error) return;
    // One that was queued before a cancel() comes through: libcurl does not mind.
    if (const auto strong = weak.lock()) strong->drive(CURL_SOCKET_TIMEOUT, 0);
  });
  return 0;
}

void CurlMulti::wait_for(const std::shared_ptr<Watch>& watch) {
  const auto start = [&](stream_descriptor::wait_type type, int events, bool Watch::*busy) {
    if ((watch.get()->*busy)) return;
    watch.get()->*busy = true;
    watch->descriptor.async_wait(
        type, [weak = weak_from_this(), watch, events, busy](const boost::system::error_code&) {
          watch.get()->*busy = false;
          if (const auto strong = weak.lock()) strong->on_ready(watch, events);
        });
  };
  if ((watch->wanted & CURL_POLL_IN) != 0) {
    start(stream_descriptor::wait_read, CURL_CSELECT_IN, &Watch::reading);
  }
  if ((watch->wanted & CURL_POLL_OUT) != 0) {
    start(stream_descriptor::wait_write, CURL_CSELECT_OUT, &Watch::writing);
  }
}

void CurlMulti::on_ready(const std::shared_ptr<Watch>& watch, int events) {
  // Not open: released since. The number may belong to another socket by now, so hands off.
  if (!watch->descriptor.is_open()) return;
  // CURL_POLL_IN equals CURL_CSELECT_IN, and OUT likewise. libcurl may have lost interest since.
  if ((watch->wanted & events) == 0) return;
  drive(watch->descriptor.native_handle(), events);
  if (watch->descriptor.is_open()) wait_for(watch);
}

void CurlMulti::drive(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
  int queued = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
    if (message->msg != CURLMSG_DONE) continue;
    // Copied, because removing the transfer frees the message.
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    auto transfer = transfers_.extract(easy);
    curl_multi_remove_handle(multi_.get(), easy);
    if (!transfer.empty()) transfer.mapped()(code);
  }
}

void CurlMulti::forget(curl_socket_t socket) {
  const auto found = watches_.find(socket);
  if (found == watches_.end()) return;
  found->second->release();
  watches_.erase(found);
}

}  // namespace gslb::health
