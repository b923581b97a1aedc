#include "health/load_poller.h"

#include <algorithm>
#include <utility>

#include "health/metric.h"

namespace gslb::health {
namespace {

using namespace std::chrono_literals;

/// So many failures in a row take away what was known.
constexpr unsigned kForgetting = 3;
constexpr std::chrono::milliseconds kMaxTimeout = 10s;

}  // namespace

LoadPoller::LoadPoller(Clock& clock, Fetcher& fetcher, Listener listener)
    : clock_(clock), fetcher_(fetcher), listener_(std::move(listener)) {}

LoadPoller::~LoadPoller() = default;

void LoadPoller::set_targets(const std::map<std::string, LoadSpec>& targets) {
  std::erase_if(entries_, [&](const auto& entry) {
    const auto target = targets.find(entry.first);
    return target == targets.end() || target->second != entry.second.spec;
  });
  for (const auto& [endpoint, spec] : targets) {
    const auto [entry, is_new] = entries_.try_emplace(endpoint);
    if (!is_new) continue;
    entry->second.spec = spec;
    poll(endpoint);
  }
}

LoadPoller::Load LoadPoller::find(const std::string& endpoint) const {
  const auto found = entries_.find(endpoint);
  return found == entries_.end() ? Load{} : found->second.load;
}

void LoadPoller::poll(const std::string& endpoint) {
  Entry& entry = entries_[endpoint];
  entry.timer =
      clock_.call_at(clock_.now() + entry.spec.interval, [this, endpoint] { poll(endpoint); });
  const auto timeout = std::min(kMaxTimeout, entry.spec.interval / 2);
  entry.fetch =
      fetcher_.fetch({entry.spec.url, timeout, entry.spec.verify_certificate},
                     [this, endpoint](const Fetcher::Result& result) { finish(endpoint, result); });
}

void LoadPoller::finish(const std::string& endpoint, const Fetcher::Result& result) {
  Entry& entry = entries_[endpoint];
  const Load before = entry.load;
  const auto value = result.and_then(
      [&](const std::string& body) { return read_metric(body, entry.spec.metric); });
  if (value) {
    entry.load = {*value / entry.spec.capacity, {}};
    entry.failures = 0;
  } else {
    entry.load.error = value.error();
    if (++entry.failures >= kForgetting) entry.load.share.reset();
  }
  const bool begins_to_fail = before.error.empty() != entry.load.error.empty();
  // A copy, and last of all: the listener may take the entry away.
  const Load load = entry.load;
  if (load.share != before.share || begins_to_fail) listener_(endpoint, load);
}

}  // namespace gslb::health
