#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "routing/geo_database.h"
#include "routing/region.h"

namespace gslb::routing {
namespace {

/// Numbers the regions that occur, each after those around it.
class RegionTable {
 public:
  RegionTable() : regions_{{"WORLD", kWorld}} { ids_.emplace("WORLD", kWorld); }

  RegionId id_of(const std::string& region) {
    const auto known = ids_.find(region);
    if (known != ids_.end()) return known->second;
    RegionId parent = kWorld;
    const std::vector<std::string> chain = region_chain(region);
    for (auto name = chain.rbegin(); name != chain.rend(); ++name) {
      const auto [found, is_new] = ids_.emplace(*name, static_cast<RegionId>(regions_.size()));
      if (is_new) regions_.push_back({*name, parent});
      parent = found->second;
    }
    return parent;
  }

  std::vector<LocationMap::Region> take() && { return std::move(regions_); }

 private:
  std::vector<LocationMap::Region> regions_;
  std::map<std::string, RegionId> ids_;
};

Location make_location(const std::string& region, const std::optional<GeoPoint>& point,
                       Location::Source source, RegionTable& regions) {
  Location location;
  location.source = source;
  location.region = region.empty() ? kWorld : regions.id_of(region);
  location.point = point || region.empty() ? point : centroid(region);
  if (location.point) location.vector = to_unit_vector(*location.point);
  return location;
}

/// Addresses that mean another host at every site, so that no database can know where they are:
/// RFC 1918, RFC 6598, RFC 1122 §3.2.1.3, RFC 3927, RFC 4291 §2.5.3, RFC 4193. Some databases place
/// them all the same.
std::vector<base::AddressRange> private_ranges() {
  constexpr std::pair<std::string_view, std::uint8_t> kPrivate[] = {
      {"10.0.0.0", 8},    {"172.16.0.0", 12}, {"192.168.0.0", 16},
      {"100.64.0.0", 10}, {"127.0.0.0", 8},   {"169.254.0.0", 16},
      {"::1", 128},       {"fc00::", 7},      {"fe80::", 10}};
  std::vector<base::AddressRange> ranges;
  for (const auto& [address, length] : kPrivate) {
    ranges.push_back(base::to_range(base::AddressPrefix{*base::parse_ip_address(address), length}));
  }
  return ranges;
}

/// The ranges that the database has no say in, sorted and apart from each other.
std::vector<base::AddressRange> ranges_without_database(
    std::span<const ConfiguredLocation> configured) {
  std::vector<base::AddressRange> ranges = private_ranges();
  for (const ConfiguredLocation& entry : configured) ranges.push_back(base::to_range(entry.prefix));
  std::sort(ranges.begin(), ranges.end());
  std::vector<base::AddressRange> result;
  for (const base::AddressRange& range : ranges) {
    // Of two prefixes one lies within the other, or they are apart.
    if (result.empty() || !result.back().contains(range)) result.push_back(range);
  }
  return result;
}

/// Calls add(range) for what `covered` leaves of `range`.
template <class Add>
void add_rest(base::AddressRange range, const std::vector<base::AddressRange>& covered,
              const Add& add) {
  auto next = std::lower_bound(covered.begin(), covered.end(), range.first,
                               [](const base::AddressRange& item, const base::IpAddress& address) {
                                 return item.last < address;
                               });
  for (; next != covered.end() && next->first <= range.last; ++next) {
    if (range.first < next->first) add({range.first, *base::previous(next->first)});
    const auto after = base::next(next->last);
    if (!after || range.last < *after) return;
    range.first = *after;
  }
  add(range);
}

}  // namespace

std::shared_ptr<const LocationMap> make_location_map(
    const GeoDatabase* database, std::span<const ConfiguredLocation> configured) {
  RegionTable regions;
  std::vector<Location> locations{Location{}};
  RangeMapBuilder builder;
  if (database != nullptr) {
    const auto first = static_cast<std::uint32_t>(locations.size());
    for (const GeoPlace& place : database->places) {
      locations.push_back(
          make_location(place.region, place.point, Location::Source::kDatabase, regions));
    }
    const std::vector<base::AddressRange> covered = ranges_without_database(configured);
    for (const GeoDatabase::Network& network : database->networks) {
      add_rest(network.range, covered,
               [&](const base::AddressRange& range) { builder.add(range, first + network.place); });
    }
  }
  for (const ConfiguredLocation& entry : configured) {
    builder.add(entry.prefix, static_cast<std::uint32_t>(locations.size()));
    locations.push_back(
        make_location(entry.region, entry.point, Location::Source::kConfigured, regions));
  }
  return std::make_shared<const LocationMap>(std::move(builder).build(), std::move(locations),
                                             std::move(regions).take());
}

}  // namespace gslb::routing
