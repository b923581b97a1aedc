#include "health/resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace gslb::health {
namespace {

struct AddrInfoDeleter {
  void operator()(addrinfo* info) const { ::freeaddrinfo(info); }
};

/// Nothing for other families than IPv4 and IPv6.
std::optional<base::IpAddress> address_of(const addrinfo& info) {
  if (info.ai_family == AF_INET) {
    sockaddr_in socket{};
    std::memcpy(&socket, info.ai_addr, sizeof(socket));
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &socket.sin_addr, bytes.size());
    return base::IpAddress::v4(bytes);
  }
  if (info.ai_family == AF_INET6) {
    sockaddr_in6 socket{};
    std::memcpy(&socket, info.ai_addr, sizeof(socket));
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &socket.sin6_addr, bytes.size());
    return base::IpAddress::v6(bytes);
  }
  return std::nullopt;
}

Resolver::Result look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return tl::make_unexpected(std::string(::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, AddrInfoDeleter> list(found);
  std::vector<base::IpAddress> addresses;
  for (const addrinfo* info = list.get(); info != nullptr; info = info->ai_next) {
    if (const auto address = address_of(*info)) addresses.push_back(*address);
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.empty()) return tl::make_unexpected(std::string("no addresses"));
  return addresses;
}

/// A lookup that somebody waits for; used on the thread of the io_context alone.
struct Request {
  Resolver::Callback callback;  ///< Empty once called or cancelled.
};

class PendingRequest final : public Pending {
 public:
  explicit PendingRequest(std::shared_ptr<Request> request) : request_(std::move(request)) {}
  ~PendingRequest() override { request_->callback = nullptr; }

 private:
  std::shared_ptr<Request> request_;
};

}  // namespace

/// The thread and what it shares with its owner, who may be gone before a lookup ends: the thread
/// holds it too.
class SystemResolver::Worker : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(boost::asio::io_context& io) : io_(&io) {}

  void start() {
    std::thread([self = shared_from_this()] { self->run(); }).detach();
  }

  void add(const std::string& host, std::shared_ptr<Request> request) {
    const std::lock_guard lock(mutex_);
    jobs_.emplace_back(host, std::move(request));
    changed_.notify_one();
  }

  /// Nothing is posted any more once this has returned.
  void stop() {
    const std::lock_guard lock(mutex_);
    io_ = nullptr;
    jobs_.clear();
    changed_.notify_one();
  }

 private:
  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return io_ == nullptr || !jobs_.empty(); });
      if (io_ == nullptr) return;
      auto [host, request] = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      Result result = look_up(host);
      lock.lock();
      if (io_ == nullptr) return;
      boost::asio::post(*io_, [request = std::move(request), result = std::move(result)] {
        if (const auto callback = std::exchange(request->callback, nullptr)) callback(result);
      });
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  boost::asio::io_context* io_;  ///< Null: the owner is gone.
  std::deque<std::pair<std::string, std::shared_ptr<Request>>> jobs_;
};

SystemResolver::SystemResolver(boost::asio::io_context& io)
    : worker_(std::make_shared<Worker>(io)) {
  worker_->start();
}

SystemResolver::~SystemResolver() { worker_->stop(); }

std::unique_ptr<Pending> SystemResolver::resolve(const std::string& host, Callback callback) {
  auto request = std::make_shared<Request>(Request{std::move(callback)});
  worker_->add(host, request);
  return std::make_unique<PendingRequest>(std::move(request));
}

}  // namespace gslb::health
