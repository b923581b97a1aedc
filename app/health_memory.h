#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "health/health_monitor.h"

namespace gslb::app {

// The last health of sites, as it is kept in a file over a restart.
std::string memory_to_json(const std::vector<health::RememberedCheck>& checks);
tl::expected<std::vector<health::RememberedCheck>, std::string> parse_memory(std::string_view json);

}  // namespace gslb::app
