#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tests/support/dns_client.h"

namespace gslb::abuse {

/// A message that an attacker may send, by its name: "a", "refused-edns", "garbage", … Nothing for
/// an unknown name. The names that are asked for are those of abuse.sh's configuration.
std::optional<support::Bytes> make_message(std::string_view name);

/// The known names.
std::vector<std::string_view> message_names();

}  // namespace gslb::abuse
