#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routing/location.h"

namespace gslb::routing {

/// The region in its one written form, or nothing where it is none: a country of ISO 3166-1 ("GB"),
/// a subdivision of ISO 3166-2 by its form ("US-CA", whether it exists is not known here), one of
/// the eight groups ("GEO-EU") or "WORLD". Letter case does not matter.
std::optional<std::string> normalise_region(std::string_view text);

/// The region and all that contain it, the most specific first: {"US-CA", "US", "GEO-NA", "WORLD"}.
/// `region` is in normal form.
std::vector<std::string> region_chain(std::string_view region);

/// The group that Azure Traffic Manager puts a country into; empty for a country in none.
std::string_view country_group(std::string_view country);

/// The middle of a country or, where it is known, of a subdivision; that of its country otherwise.
/// Nothing for groups and WORLD. `region` is in normal form.
std::optional<GeoPoint> centroid(std::string_view region);

}  // namespace gslb::routing
