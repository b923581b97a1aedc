#pragma once

#include <cstddef>
#include <vector>

#include "app/config.h"
#include "zones/zone_data.h"

namespace gslb::app {

/// For each profile the index of the deepest zone that holds its name; the number of zones where
/// none does, which is so for those without a name.
std::vector<std::size_t> zones_of_profiles(const Config& config);

/// For each zone the names of its profiles.
std::vector<std::vector<zones::ProfileName>> profiles_of_zones(const Config& config);

}  // namespace gslb::app
