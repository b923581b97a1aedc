#include "app/client_policy.h"

#include <algorithm>
#include <thread>

namespace gslb::app {

unsigned worker_count(const ServerSpec& server) {
  return server.workers > 0 ? server.workers : std::max(1U, std::thread::hardware_concurrency());
}

std::shared_ptr<const zones::ClientPolicy> make_client_policy(
    const Config& config, const std::shared_ptr<const dns::CookieKeys>& own_keys) {
  const ServerSpec& server = config.server;
  auto policy = std::make_shared<zones::ClientPolicy>();
  if (server.cookies.enabled) {
    policy->cookie_keys = server.cookies.keys ? server.cookies.keys : own_keys;
  }
  policy->tsig_keys = config.tsig_keys;
  policy->proxy_from = server.proxy_from;
  policy->require_cookies = server.cookies.require;
  if (server.rate_limit) {
    policy->rate_limit =
        std::make_shared<const dns::RateLimitPolicy>(*server.rate_limit, worker_count(server));
  }
  return policy;
}

}  // namespace gslb::app
