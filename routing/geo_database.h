#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/address_range.h"
#include "routing/location.h"

namespace gslb::routing {

/// A place in a geo database.
struct GeoPlace {
  std::string region;  ///< In the form of normalise_region; empty where it is not known.
  std::optional<GeoPoint> point;

  bool operator==(const GeoPlace&) const = default;
};

/// All networks of a geo database, decoded: the file is not needed any more. Immutable once loaded,
/// so any number of threads may read it.
struct GeoDatabase {
  struct Network {
    base::AddressRange range;
    std::uint32_t place;  ///< Into `places`.
  };

  std::string type;               ///< What it says of itself: "GeoLite2-Country".
  std::vector<Network> networks;  ///< Sorted, apart from each other; IPv4 first.
  std::vector<GeoPlace> places;
};

/// Reads a database in MaxMind DB format: GeoIP2 and GeoLite2 City and Country, DB-IP,
/// ip-location-db. What a record holds is found out by looking at it, whatever the database calls
/// itself. The error says what is wrong with the file, and what to do. Thread-safe.
tl::expected<std::shared_ptr<const GeoDatabase>, std::string> load_geo_database(
    const std::filesystem::path& file);

/// The same from the content of a file.
tl::expected<std::shared_ptr<const GeoDatabase>, std::string> parse_geo_database(
    std::string_view content);

/// A `[[location]]`: clients placed by hand.
struct ConfiguredLocation {
  base::AddressPrefix prefix;
  std::string region;             ///< In the form of normalise_region; empty: not told.
  std::optional<GeoPoint> point;  ///< Where it is not told, the middle of the region.

  bool operator==(const ConfiguredLocation&) const = default;
};

/// The places of all clients. What is configured stands before the database, the longest prefix
/// first. Of private addresses the database is not asked. `database` may be null.
std::shared_ptr<const LocationMap> make_location_map(
    const GeoDatabase* database, std::span<const ConfiguredLocation> configured);

}  // namespace gslb::routing
