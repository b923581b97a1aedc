#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "base/ip_address.h"
#include "health/pending.h"

namespace boost::asio {
class io_context;
}

namespace gslb::health {

/// Finds the addresses of a host, so that tests can bring their own. One thread.
class Resolver {
 public:
  /// The addresses, at least one, or one line that says why there are none.
  using Result = tl::expected<std::vector<base::IpAddress>, std::string>;
  using Callback = std::function<void(const Result&)>;

  virtual ~Resolver() = default;

  /// `callback` is called exactly once, after this function has returned, unless the result is
  /// destroyed before.
  [[nodiscard]] virtual std::unique_ptr<Pending> resolve(const std::string& host,
                                                         Callback callback) = 0;
};

/// Asks as every program of the host does (getaddrinfo: /etc/hosts, /etc/resolv.conf), on a thread
/// of its own, because the answer may take long. A thread that hangs is left to itself, and another
/// one goes on with what is waiting. `io` must outlive it; used on `io`'s thread. Its end does not
/// wait for answers.
class SystemResolver final : public Resolver {
 public:
  /// Blocks until the answer is there. Called on the thread.
  using LookUp = std::function<Result(const std::string& host)>;
  static constexpr std::chrono::seconds kHangsAfter{30};

  explicit SystemResolver(boost::asio::io_context& io);
  SystemResolver(boost::asio::io_context& io, LookUp look_up,
                 std::chrono::milliseconds hangs_after = kHangsAfter);
  ~SystemResolver() override;

  /// Asks and waits for the answer. Thread-safe.
  static Result look_up_now(const std::string& host);

  /// What is being waited for suspiciously long: "the resolver of this host has not answered for 12
  /// s, asked for lon.example.net". Empty while there is no such thing.
  std::string problem() const;

  [[nodiscard]] std::unique_ptr<Pending> resolve(const std::string& host,
                                                 Callback callback) override;

 private:
  class Worker;

  boost::asio::io_context& io_;
  LookUp look_up_;
  std::chrono::milliseconds hangs_after_;
  std::shared_ptr<Worker> worker_;
};

}  // namespace gslb::health
