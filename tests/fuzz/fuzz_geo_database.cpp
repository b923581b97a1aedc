// A geo database: whatever the octets, it is refused in one line, or its networks are in order,
// apart from each other and lead to places that are there.

#include "routing/geo_database.h"

#include <algorithm>
#include <string_view>

#include "tests/fuzz/fuzz.h"

/// See tests/unit/routing/geo_database_test.cpp.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libmaxminddb"; }

namespace gslb::fuzz {
namespace {

void check_networks(const routing::GeoDatabase& database) {
  require(!database.networks.empty(), "what is taken has networks");
  const base::AddressRange* previous = nullptr;
  for (const auto& network : database.networks) {
    require(network.place < database.places.size(), "a place is there");
    require(network.range.first <= network.range.last, "a range has its ends in order");
    require(previous == nullptr || previous->last < network.range.first,
            "ranges are sorted and apart");
    previous = &network.range;
  }
}

}  // namespace
}  // namespace gslb::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gslb;
  const auto database = routing::parse_geo_database(fuzz::Input(data, size).text());
  if (database) {
    fuzz::check_networks(**database);
    routing::make_location_map(database->get(), {});
  } else {
    fuzz::require_one_line(database.error());
  }
  return 0;
}
