#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/admin.h"

namespace gslb::app {

/// What decides whether a request over TCP is let in.
struct AccessRequest {
  bool is_loopback = false;  ///< The client is on this host.
  std::string_view method;
  std::string_view authorization = {};  ///< The field of that name; empty: none.
  std::string_view host = {};           ///< Likewise.
};

/// Nothing where the request may go on, else what it is answered with. Who shows `token` may do all
/// (RFC 6750 §2.1). Without it, clients of this host may read, unless they name another host: a
/// page of the web could otherwise read through its visitor's browser, by a name that leads here
/// ("DNS rebinding"). With an empty `token` nobody may write.
///
/// How long it takes does not tell how much of a token was right. Thread-safe.
std::optional<AdminResponse> refuse_access(const AccessRequest& request, std::string_view token);

}  // namespace gslb::app
