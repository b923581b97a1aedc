#include "health/probe_run.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "health/local_fault.h"
#include "health/reason.h"

namespace gslb::health {

class ProbeRun::Handle final : public Pending {
 public:
  explicit Handle(std::shared_ptr<ProbeRun> run) : run_(std::move(run)) {}
  ~Handle() override { run_->cancel(); }

 private:
  std::shared_ptr<ProbeRun> run_;
};

ProbeRun::ProbeRun(boost::asio::io_context& io, std::shared_ptr<const MonitorSpec> monitor,
                   Prober::Callback callback)
    : io_(io), deadline_(io), monitor_(std::move(monitor)), callback_(std::move(callback)) {}

std::unique_ptr<Pending> ProbeRun::launch(const std::shared_ptr<ProbeRun>& run) {
  // Later, as it may fail at once and the callback must not be called in here.
  boost::asio::post(run->io_, [run] { run->begin(); });
  return std::make_unique<Handle>(run);
}

void ProbeRun::begin() {
  if (is_over()) return;
  deadline_.expires_after(monitor_->timeout);
  deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (!error && !self->is_over()) {
      self->fail(timed_out(self->monitor_->timeout, self->stage()));
    }
  });
  run();
}

void ProbeRun::cancel() {
  if (!std::exchange(callback_, nullptr)) return;
  deadline_.cancel();
  close();
}

std::chrono::microseconds ProbeRun::elapsed() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               started_);
}

void ProbeRun::record(std::string what) { steps_.push_back({std::move(what), elapsed()}); }

void ProbeRun::succeed(std::string detail) { finish(Outcome::kSuccess, std::move(detail)); }

void ProbeRun::fail(std::string detail, Outcome outcome) { finish(outcome, std::move(detail)); }

void ProbeRun::fail_by_errno(int error, std::string_view prefix) {
  fail(std::string(prefix) + describe_errno(error),
       is_local_fault(error) ? Outcome::kLocalFault : Outcome::kFailure);
}

void ProbeRun::finish(Outcome outcome, std::string detail) {
  const auto callback = std::exchange(callback_, nullptr);
  if (!callback) return;
  ProbeResult result{outcome, std::move(detail), elapsed()};
  result.steps = std::move(steps_);
  complete(result);
  deadline_.cancel();
  close();
  callback(result);
}

}  // namespace gslb::health
