#include "health/clock.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace gslb::health {
namespace {

struct TimerState {
  TimerState(boost::asio::io_context& io, SteadyTime when, std::function<void()> function)
      : timer(io, when), callback(std::move(function)) {}

  boost::asio::steady_timer timer;
  std::function<void()> callback;  // Empty once run or cancelled.
};

class PendingTimer final : public Pending {
 public:
  explicit PendingTimer(std::shared_ptr<TimerState> state) : state_(std::move(state)) {}
  ~PendingTimer() override {
    // cancel() cannot stop a handler that is already queued; the empty callback does.
    state_->callback = nullptr;
    state_->timer.cancel();
  }

 private:
  std::shared_ptr<TimerState> state_;
};

}  // namespace

std::unique_ptr<Pending> AsioClock::call_at(SteadyTime when, std::function<void()> callback) {
  auto state = std::make_shared<TimerState>(io_, when, std::move(callback));
  state->timer.async_wait([state](const boost::system::error_code& error) {
    if (error || !state->callback) return;
    const auto run = std::exchange(state->callback, nullptr);
    run();
  });
  return std::make_unique<PendingTimer>(std::move(state));
}

}  // namespace gslb::health
