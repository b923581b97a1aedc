#include "health/target_addresses.h"

#include <algorithm>
#include <utility>

namespace gslb::health {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kRefresh = 30s;
constexpr std::chrono::seconds kFirstRetry = 2s;

/// 2 s, 4 s, 8 s, … up to the usual pace.
std::chrono::seconds pause_after(unsigned failures) {
  if (failures == 0) return kRefresh;
  return std::min<std::chrono::seconds>(kRefresh, kFirstRetry * (1U << std::min(failures - 1, 8U)));
}

}  // namespace

TargetAddresses::TargetAddresses(Clock& clock, Resolver& resolver, Listener listener)
    : clock_(clock), resolver_(resolver), listener_(std::move(listener)) {}

TargetAddresses::~TargetAddresses() = default;

void TargetAddresses::set_hosts(const std::set<std::string>& hosts) {
  std::erase_if(entries_, [&](const auto& entry) { return !hosts.contains(entry.first); });
  for (const std::string& host : hosts) {
    if (entries_.try_emplace(host).second) look_up(host);
  }
}

const TargetAddresses::State& TargetAddresses::find(const std::string& host) const {
  static const State kUnknown;
  const auto found = entries_.find(host);
  return found == entries_.end() ? kUnknown : found->second.state;
}

void TargetAddresses::look_up(const std::string& host) {
  entries_[host].lookup = resolver_.resolve(
      host, [this, host](const Resolver::Result& result) { finish(host, result); });
}

void TargetAddresses::finish(const std::string& host, const Resolver::Result& result) {
  Entry& entry = entries_[host];
  State& state = entry.state;
  bool has_changed = false;
  if (result) {
    std::vector<base::IpAddress> addresses = *result;
    std::sort(addresses.begin(), addresses.end());
    has_changed = addresses != state.addresses;
    state = {std::move(addresses), 0, {}};
  } else {
    ++state.failures;
    state.error = result.error();
    has_changed = state.addresses.empty() && state.failures == kGivingUp;
  }
  entry.timer =
      clock_.call_at(clock_.now() + pause_after(state.failures), [this, host] { look_up(host); });
  // Last of all: it may take the entry away.
  if (has_changed) listener_(host);
}

}  // namespace gslb::health
