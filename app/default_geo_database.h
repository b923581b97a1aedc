#pragma once

#include <filesystem>
#include <optional>

namespace gslb::app {

/// The country database that comes with gslbd: where it is installed, or in the source tree.
/// Nothing where it is in neither place.
std::optional<std::filesystem::path> default_geo_database();

}  // namespace gslb::app
