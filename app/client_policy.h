#pragma once

#include <memory>

#include "app/config.h"
#include "zones/snapshot.h"

namespace gslb::app {

/// UDP workers for each listen address: as configured, or one for each core.
unsigned worker_count(const ServerSpec& server);

/// Cookies, rate limits and TSIG keys as configured. `own_keys` serve where no file of secrets is
/// configured; they must stay the same over reloads, or clients would lose their cookies.
std::shared_ptr<const zones::ClientPolicy> make_client_policy(
    const Config& config, const std::shared_ptr<const dns::CookieKeys>& own_keys);

}  // namespace gslb::app
