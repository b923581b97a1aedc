#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/range_map.h"

namespace gslb::routing {

/// A place on the Earth in degrees: latitude −90 … 90, longitude −180 … 180. A plain value.
struct GeoPoint {
  double latitude = 0;
  double longitude = 0;

  bool operator==(const GeoPoint&) const = default;
};

/// A point on the unit sphere. The nearer two places are, the larger is the dot product of theirs,
/// which costs no trigonometry when a query is answered.
using UnitVector = std::array<float, 3>;

UnitVector to_unit_vector(const GeoPoint& point) noexcept;

inline float dot(const UnitVector& a, const UnitVector& b) noexcept {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// The great-circle distance on a sphere of 6371 km.
double distance_km(const GeoPoint& a, const GeoPoint& b) noexcept;

/// A region among those of one LocationMap.
using RegionId = std::uint16_t;

inline constexpr RegionId kWorld = 0;

/// Where the clients of some networks are.
struct Location {
  /// Who says so, in the order of precedence.
  enum class Source : std::uint8_t {
    kNone,        ///< Nobody: the place is not known.
    kConfigured,  ///< A `[[location]]` of the configuration.
    kDatabase,    ///< The geo database.
  };

  RegionId region = kWorld;  ///< The most specific one that is known.
  Source source = Source::kNone;
  std::optional<GeoPoint> point;  ///< Nothing where only the region is known.
  UnitVector vector{};            ///< Of `point`.
};

/// The places of all client networks: the entries of the configuration, then the geo database.
/// Immutable, so any number of threads may read it.
class LocationMap {
 public:
  /// A region and the next wider one: "US-CA" in "US" in "GEO-NA" in "WORLD".
  struct Region {
    std::string name;
    RegionId parent = kWorld;  ///< WORLD is its own.
  };

  /// Knows no place.
  LocationMap();
  /// `ranges` leads to indices into `locations`, of which the first is that of all other addresses.
  /// `regions` begins with WORLD, and parents stand before their children.
  LocationMap(RangeMap ranges, std::vector<Location> locations, std::vector<Region> regions);

  /// The networks: each value is an index for location(); kNone leads to nowhere known.
  const RangeMap& ranges() const noexcept { return ranges_; }

  /// For a value of ranges(), which may be RangeMap::kNone.
  const Location& location(std::uint32_t value) const noexcept {
    return locations_[value == RangeMap::kNone ? 0 : value];
  }
  std::size_t location_count() const noexcept { return locations_.size(); }

  const std::vector<Region>& regions() const noexcept { return regions_; }
  RegionId parent(RegionId region) const noexcept { return regions_[region].parent; }

  /// Nothing for a region where no network can be. `name` is in the form of normalise_region.
  std::optional<RegionId> find_region(std::string_view name) const noexcept;

  /// In octets.
  std::size_t memory() const noexcept;

 private:
  RangeMap ranges_;
  std::vector<Location> locations_;
  std::vector<Region> regions_;
  std::vector<RegionId> by_name_;
};

}  // namespace gslb::routing
