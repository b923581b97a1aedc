#include "routing/location.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace gslb::routing {
namespace {

constexpr double kEarthRadiusKm = 6371.0;

double radians(double degrees) { return degrees * std::numbers::pi / 180; }

}  // namespace

UnitVector to_unit_vector(const GeoPoint& point) noexcept {
  const double latitude = radians(point.latitude);
  const double longitude = radians(point.longitude);
  return {static_cast<float>(std::cos(latitude) * std::cos(longitude)),
          static_cast<float>(std::cos(latitude) * std::sin(longitude)),
          static_cast<float>(std::sin(latitude))};
}

double distance_km(const GeoPoint& a, const GeoPoint& b) noexcept {
  // The haversine formula, which keeps its precision where two places are near.
  const double latitude = std::sin(radians(b.latitude - a.latitude) / 2);
  const double longitude = std::sin(radians(b.longitude - a.longitude) / 2);
  const double h = latitude * latitude + std::cos(radians(a.latitude)) *
                                             std::cos(radians(b.latitude)) * longitude * longitude;
  return 2 * kEarthRadiusKm * std::asin(std::min(1.0, std::sqrt(h)));
}

LocationMap::LocationMap() : LocationMap({}, {Location{}}, {Region{"WORLD", kWorld}}) {}

LocationMap::LocationMap(RangeMap ranges, std::vector<Location> locations,
                         std::vector<Region> regions)
    : ranges_(std::move(ranges)),
      locations_(std::move(locations)),
      regions_(std::move(regions)),
      by_name_(regions_.size()) {
  std::iota(by_name_.begin(), by_name_.end(), RegionId{0});
  std::sort(by_name_.begin(), by_name_.end(),
            [this](RegionId a, RegionId b) { return regions_[a].name < regions_[b].name; });
}

std::optional<RegionId> LocationMap::find_region(std::string_view name) const noexcept {
  const auto found = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](RegionId region, std::string_view wanted) { return regions_[region].name < wanted; });
  if (found == by_name_.end() || regions_[*found].name != name) return std::nullopt;
  return *found;
}

std::size_t LocationMap::memory() const noexcept {
  return ranges_.memory() + locations_.capacity() * sizeof(Location) +
         regions_.capacity() * (sizeof(Region) + sizeof(RegionId));
}

}  // namespace gslb::routing
