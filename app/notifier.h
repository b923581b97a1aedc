#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "health/clock.h"
#include "health/fetcher.h"
#include "health/pending.h"

namespace boost::asio {
class io_context;
}

namespace gslb::app {

/// Tells others of events: a command that gets each as JSON on its standard input, and a URL that
/// each is posted to. One after the other, in their order; what fails is tried again a few times
/// with growing pauses, and then given up, which is logged. One thread, that of `io`.
class Notifier {
 public:
  static constexpr std::size_t kMaxWaiting = 1000;
  static constexpr int kMaxAttempts = 5;

  Notifier(boost::asio::io_context& io, health::Clock& clock, health::Fetcher& fetcher);
  ~Notifier();

  /// Empty: none. What is waiting goes to the new ones.
  void set_targets(std::vector<std::string> command, std::string url);

  void notify(const std::string& json);
  void stop();

 private:
  /// One of the two, with its queue.
  struct Channel {
    std::function<void()> attempt;  ///< Tries the first of `waiting`.
    std::string what;               ///< For the log.
    std::deque<std::string> waiting;
    std::unique_ptr<health::Pending> pending;  ///< The attempt, or the pause before the next.
    int attempts = 0;
    std::size_t lost = 0;  ///< Since there was room last.
  };

  void add(Channel& channel, const std::string& json);
  void run(Channel& channel);
  void finish(Channel& channel, const std::string& error);

  boost::asio::io_context& io_;
  health::Clock& clock_;
  health::Fetcher& fetcher_;
  std::vector<std::string> arguments_;
  std::string url_;
  Channel command_;
  Channel webhook_;
};

}  // namespace gslb::app
