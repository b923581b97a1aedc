#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "health/prober.h"

namespace gslb::health {

/// One probe on an io_context: what all protocols have in common, which is the deadline, the
/// callback that is called once, and the account of what was done and when. For the sources of this
/// room only: it brings Boost.Asio in. One thread, that of `io`.
class ProbeRun : public std::enable_shared_from_this<ProbeRun> {
 public:
  ProbeRun(const ProbeRun&) = delete;
  ProbeRun& operator=(const ProbeRun&) = delete;
  virtual ~ProbeRun() = default;

  /// Starts it soon, and cancels it when what is returned is destroyed.
  [[nodiscard]] static std::unique_ptr<Pending> launch(const std::shared_ptr<ProbeRun>& run);

 protected:
  ProbeRun(boost::asio::io_context& io, std::shared_ptr<const MonitorSpec> monitor,
           Prober::Callback callback);

  /// Does the probe, and ends in one of succeed() and fail(). Must keep itself alive meanwhile.
  virtual void run() = 0;
  /// Lets go of sockets and timers. Called once, at the end; may come before run().
  virtual void close() = 0;
  /// How far it got, for one that has run out of time: "no connection".
  virtual std::string stage() const = 0;
  /// What goes into the result beside the verdict.
  virtual void complete(ProbeResult& /*result*/) {}

  bool is_over() const { return !callback_; }
  const MonitorSpec& monitor() const { return *monitor_; }
  boost::asio::io_context& io() { return io_; }
  std::chrono::microseconds elapsed() const;

  void record(std::string what);
  void succeed(std::string detail);
  void fail(std::string detail, Outcome outcome = Outcome::kFailure);
  /// With the text of a system error before which `prefix` stands; tells a local fault by it.
  void fail_by_errno(int error, std::string_view prefix = {});

 private:
  void begin();
  void cancel();
  void finish(Outcome outcome, std::string detail);

  class Handle;

  boost::asio::io_context& io_;
  boost::asio::steady_timer deadline_;
  std::shared_ptr<const MonitorSpec> monitor_;
  Prober::Callback callback_;  ///< Empty once called or cancelled.
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<ProbeStep> steps_;
};

}  // namespace gslb::health
