#include "health/resolver.h"

#include <fmt/format.h>
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
  using Jobs = std::deque<std::pair<std::string, std::shared_ptr<Request>>>;
  using Time = std::chrono::steady_clock::time_point;

  Worker(boost::asio::io_context& io, LookUp look_up) : io_(&io), look_up_(std::move(look_up)) {}

  /// The host that is being looked up, and since when.
  std::optional<std::pair<std::string, Time>> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  /// What is waiting; it is somebody else's then.
  Jobs take_jobs() {
    const std::lock_guard lock(mutex_);
    return std::exchange(jobs_, {});
  }

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
      current_.emplace(host, std::chrono::steady_clock::now());
      lock.unlock();
      Result result = look_up_(host);
      lock.lock();
      current_.reset();
      if (io_ == nullptr) return;
      boost::asio::post(*io_, [request = std::move(request), result = std::move(result)] {
        if (const auto callback = std::exchange(request->callback, nullptr)) callback(result);
      });
    }
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  boost::asio::io_context* io_;  ///< Null: the owner is gone.
  const LookUp look_up_;
  Jobs jobs_;
  std::optional<std::pair<std::string, Time>> current_;
};

SystemResolver::SystemResolver(boost::asio::io_context& io) : SystemResolver(io, look_up_now) {}

SystemResolver::SystemResolver(boost::asio::io_context& io, LookUp look_up,
                               std::chrono::milliseconds hangs_after)
    : io_(io),
      look_up_(std::move(look_up)),
      hangs_after_(hangs_after),
      worker_(std::make_shared<Worker>(io, look_up_)) {
  worker_->start();
}

Resolver::Result SystemResolver::look_up_now(const std::string& host) { return look_up(host); }

SystemResolver::~SystemResolver() { worker_->stop(); }

std::unique_ptr<Pending> SystemResolver::resolve(const std::string& host, Callback callback) {
  auto request = std::make_shared<Request>(Request{std::move(callback)});
  const auto current = worker_->current();
  if (current && std::chrono::steady_clock::now() - current->second >= hangs_after_) {
    const auto hanging = std::exchange(worker_, std::make_shared<Worker>(io_, look_up_));
    worker_->start();
    for (auto& [waiting, job] : hanging->take_jobs()) worker_->add(waiting, std::move(job));
    hanging->stop();
  }
  worker_->add(host, request);
  return std::make_unique<PendingRequest>(std::move(request));
}

std::string SystemResolver::problem() const {
  const auto current = worker_->current();
  if (!current) return "";
  const auto waited = std::chrono::steady_clock::now() - current->second;
  if (waited < hangs_after_ / 3) return "";
  return fmt::format("the resolver of this host has not answered for {} s, asked for {}",
                     std::chrono::floor<std::chrono::seconds>(waited).count(), current->first);
}

}  // namespace gslb::health
