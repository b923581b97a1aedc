#include "app/notifier.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "health/command.h"
#include "health/reason.h"

namespace gslb::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kTimeout = 30s;
constexpr auto kFirstPause = 1s;  ///< Doubles with each attempt.

std::string describe(const health::CommandResult& result) {
  using End = health::CommandResult::End;
  const std::string line = result.last_line.empty() ? "" : ": " + result.last_line;
  switch (result.end) {
    case End::kExited:
      return result.value == 0 ? "" : fmt::format("exit status {}{}", result.value, line);
    case End::kSignalled:
      return fmt::format("ended by signal {}{}", result.value, line);
    case End::kTimedOut:
      return "has not ended within 30s";
    case End::kNotStarted:
      return "cannot be started: " + health::describe_errno(result.value);
  }
  return "";
}

}  // namespace

Notifier::Notifier(boost::asio::io_context& io, health::Clock& clock, health::Fetcher& fetcher)
    : io_(io), clock_(clock), fetcher_(fetcher) {
  command_.what = "health.on_change";
  command_.attempt = [this] {
    health::CommandSpec spec;
    spec.arguments = arguments_;
    spec.input = command_.waiting.front() + "\n";
    spec.timeout = kTimeout;
    command_.pending = health::run_command(io_, spec, [this](const health::CommandResult& result) {
      finish(command_, describe(result));
    });
  };
  webhook_.what = "health.webhook";
  webhook_.attempt = [this] {
    health::FetchSpec spec;
    spec.url = url_;
    spec.timeout = kTimeout;
    spec.post = webhook_.waiting.front();
    webhook_.pending = fetcher_.fetch(spec, [this](const health::Fetcher::Result& result) {
      finish(webhook_, result ? "" : result.error());
    });
  };
}

Notifier::~Notifier() { stop(); }

void Notifier::stop() {
  arguments_.clear();
  url_.clear();
  for (Channel* channel : {&command_, &webhook_}) {
    channel->pending.reset();
    channel->waiting.clear();
  }
}

void Notifier::set_targets(std::vector<std::string> command, std::string url) {
  arguments_ = std::move(command);
  url_ = std::move(url);
  const auto drop = [](Channel& channel) {
    channel.pending.reset();
    channel.waiting.clear();
    channel.attempts = 0;
  };
  if (arguments_.empty()) drop(command_);
  if (url_.empty()) drop(webhook_);
}

void Notifier::notify(const std::string& json) {
  if (!arguments_.empty()) add(command_, json);
  if (!url_.empty()) add(webhook_, json);
}

void Notifier::add(Channel& channel, const std::string& json) {
  if (channel.waiting.size() >= kMaxWaiting) {
    if (channel.lost++ == 0) {
      spdlog::error("{}: {} events are waiting, so the next ones are not told", channel.what,
                    kMaxWaiting);
    }
    return;
  }
  if (channel.lost > 0) {
    spdlog::error("{}: {} events were not told", channel.what, std::exchange(channel.lost, 0));
  }
  channel.waiting.push_back(json);
  run(channel);
}

void Notifier::run(Channel& channel) {
  if (channel.pending || channel.waiting.empty()) return;
  ++channel.attempts;
  channel.attempt();
}

void Notifier::finish(Channel& channel, const std::string& error) {
  // Kept to the end: the callback that is running belongs to it.
  const auto pending = std::move(channel.pending);
  if (!error.empty() && channel.attempts < kMaxAttempts) {
    spdlog::warn("{}: {}; trying again", channel.what, error);
    channel.pending = clock_.call_at(clock_.now() + kFirstPause * (1 << (channel.attempts - 1)),
                                     [this, &channel] {
                                       const auto pause = std::move(channel.pending);
                                       run(channel);
                                     });
    return;
  }
  if (!error.empty()) {
    spdlog::error("{}: {}; given up after {} attempts: {}", channel.what, error, channel.attempts,
                  channel.waiting.front());
  }
  channel.attempts = 0;
  channel.waiting.pop_front();
  run(channel);
}

}  // namespace gslb::app
