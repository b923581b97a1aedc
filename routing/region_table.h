#pragma once

#include <span>
#include <string_view>

#include "routing/location.h"

// What is known of regions, as data.
namespace gslb::routing {

struct CountryRow {
  std::string_view code;   ///< ISO 3166-1 alpha-2.
  std::string_view group;  ///< "GEO-EU"
  GeoPoint middle;
};

struct SubdivisionRow {
  std::string_view code;  ///< ISO 3166-2.
  GeoPoint middle;
};

/// Null for what is no country.
const CountryRow* find_country(std::string_view code) noexcept;

/// Null for a subdivision whose middle is not known.
const SubdivisionRow* find_subdivision(std::string_view code) noexcept;

/// Sorted by code.
std::span<const CountryRow> countries() noexcept;

}  // namespace gslb::routing
