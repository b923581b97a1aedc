#include "routing/region.h"

#include <algorithm>
#include <array>

#include "routing/region_table.h"

namespace gslb::routing {
namespace {

constexpr std::string_view kWorldName = "WORLD";
constexpr std::size_t kCountryLength = 2;

constexpr std::array<std::string_view, 8> kGroups{"GEO-AF", "GEO-AN", "GEO-AP", "GEO-AS",
                                                  "GEO-EU", "GEO-ME", "GEO-NA", "GEO-SA"};

bool is_group(std::string_view region) noexcept {
  return std::find(kGroups.begin(), kGroups.end(), region) != kGroups.end();
}

bool is_alphanumeric(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// A country, '-', and one to three letters or digits (ISO 3166-2 §4).
bool is_subdivision(std::string_view region) noexcept {
  if (region.size() < 4 || region.size() > 6 || region[kCountryLength] != '-') return false;
  const std::string_view part = region.substr(kCountryLength + 1);
  return find_country(region.substr(0, kCountryLength)) != nullptr &&
         std::all_of(part.begin(), part.end(), is_alphanumeric);
}

}  // namespace

std::optional<std::string> normalise_region(std::string_view text) {
  std::string region(text);
  for (char& c : region) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  const bool is_known = region == kWorldName || is_group(region) ||
                        find_country(region) != nullptr || is_subdivision(region);
  if (!is_known) return std::nullopt;
  return region;
}

std::string_view country_group(std::string_view country) {
  const CountryRow* row = find_country(country);
  return row == nullptr ? std::string_view() : row->group;
}

std::vector<std::string> region_chain(std::string_view region) {
  std::vector<std::string> chain{std::string(region)};
  if (region == kWorldName) return chain;
  if (!is_group(region)) {
    if (region.size() > kCountryLength) chain.emplace_back(region.substr(0, kCountryLength));
    const std::string_view group = country_group(region.substr(0, kCountryLength));
    if (!group.empty()) chain.emplace_back(group);
  }
  chain.emplace_back(kWorldName);
  return chain;
}

std::optional<GeoPoint> centroid(std::string_view region) {
  if (const SubdivisionRow* row = find_subdivision(region)) return row->middle;
  if (region == kWorldName || is_group(region)) return std::nullopt;
  const CountryRow* row = find_country(region.substr(0, kCountryLength));
  if (row == nullptr) return std::nullopt;
  return row->middle;
}

}  // namespace gslb::routing
