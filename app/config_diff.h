#pragma once

#include <string>
#include <vector>

#include "app/config.h"

namespace gslb::app {

/// What a new configuration changes, one line for people each, such as `profile vpn: weight of
/// london 70 -> 10`. Empty where the two mean the same.
std::vector<std::string> describe_changes(const Config& before, const Config& after);

}  // namespace gslb::app
