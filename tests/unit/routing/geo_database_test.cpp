#include "routing/geo_database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

/// MMDB_open() of libmaxminddb 1.7 keeps the list of languages or descriptions that it had begun to
/// read when it refuses the file, 5 kB. Nothing outside can free it.
extern "C" const char* __lsan_default_suppressions() { return "leak:libmaxminddb"; }

namespace gslb::routing {
namespace {

namespace fs = std::filesystem;

base::IpAddress ip(std::string_view text) { return *base::parse_ip_address(text); }

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A database written by MaxMind's own library; see tests/support/make_mmdb.pl.
std::string make_mmdb(const std::string& schema) {
  // Tests run side by side, each in a process of its own.
  const fs::path file = fs::path(testing::TempDir()) /
                        ("gslb_" + schema + "." + std::to_string(::getpid()) + ".mmdb");
  const std::string command =
      GSLB_SOURCE_DIR "/tests/support/make_mmdb.pl " + schema + " " + file.string();
  if (std::system(command.c_str()) != 0) ADD_FAILURE() << command;
  std::string content = content_of(file);
  fs::remove(file);
  return content;
}

/// "US-CA 37.5,-122.25", or "?" where the place is not known.
std::string place_of(const LocationMap& map, std::string_view address) {
  const Location& location = map.location(map.ranges().find(ip(address)).value);
  if (location.source == Location::Source::kNone) return "?";
  std::string text = map.regions()[location.region].name;
  char point[64] = "";
  if (location.point) {
    std::snprintf(point, sizeof(point), " %g,%g", location.point->latitude,
                  location.point->longitude);
  }
  return text + point;
}

std::shared_ptr<const GeoDatabase> database_of(const std::string& schema) {
  auto database = parse_geo_database(make_mmdb(schema));
  EXPECT_TRUE(database) << (database ? "" : database.error());
  return database ? *database : std::make_shared<const GeoDatabase>();
}

struct SchemaCase {
  const char* schema;
  const char* us;
  const char* gb;
  const char* fr;
  const char* de;  ///< Over IPv6.
};

class EverySchema : public testing::TestWithParam<SchemaCase> {};

TEST_P(EverySchema, IsUnderstoodByLookingAtItsRecords) {
  const auto database = database_of(GetParam().schema);
  EXPECT_EQ(database->type, GetParam().schema);
  const auto map = make_location_map(database.get(), {});
  EXPECT_EQ(place_of(*map, "192.0.2.77"), GetParam().us);
  EXPECT_EQ(place_of(*map, "198.51.100.127"), GetParam().gb);
  EXPECT_EQ(place_of(*map, "198.51.100.128"), GetParam().fr);
  EXPECT_EQ(place_of(*map, "2001:db8:1::1"), GetParam().de);
  EXPECT_EQ(place_of(*map, "192.0.3.0"), "?");
  EXPECT_EQ(place_of(*map, "10.0.0.1"), "?");
  EXPECT_EQ(place_of(*map, "2001:db8:3::1"), "?");
}

INSTANTIATE_TEST_SUITE_P(
    GeoDatabase, EverySchema,
    testing::Values(SchemaCase{"geoip2-city", "US-CA 37.5,-122.25", "GB 51.5,-0.25",
                               "FR 48.75,2.25", "DE-BE 52.5,13.5"},
                    SchemaCase{"geolite2-country", "US 38,-97", "GB 54,-2", "FR 46,2", "?"},
                    SchemaCase{"dbip-city", "US 37.5,-122.25", "GB 51.5,-0.25", "FR 48.75,2.25",
                               "DE 52.5,13.5"},
                    SchemaCase{"ip-location-db-country", "US 38,-97", "GB 54,-2", "FR 46,2",
                               "DE 51,9"},
                    SchemaCase{"ip-location-db-city", "US 37.5,-122.25", "GB 51.5,-0.25",
                               "FR 48.75,2.25", "DE 52.5,13.5"}),
    [](const auto& row) {
      std::string name = row.param.schema;
      std::erase(name, '-');
      return name;
    });

TEST(GeoDatabase, NetworksAreListedOnceAndNotThroughAliases) {
  const auto database = database_of("geoip2-city");
  ASSERT_EQ(database->networks.size(), 6U);
  EXPECT_EQ(base::to_string(database->networks.front().range), "192.0.2.0/24");
  EXPECT_EQ(base::to_string(database->networks.back().range), "2001:db8:2::/48");
}

TEST(GeoDatabase, WithoutPlacesIsRefused) {
  const auto database = parse_geo_database(make_mmdb("asn"));
  ASSERT_FALSE(database);
  EXPECT_NE(database.error().find("no record has a country"), std::string::npos)
      << database.error();
}

TEST(GeoDatabase, WhatIsNoDatabaseIsRefused) {
  EXPECT_FALSE(parse_geo_database(""));
  EXPECT_FALSE(parse_geo_database("not a database"));
  EXPECT_FALSE(parse_geo_database(std::string(100'000, '\0')));
  EXPECT_FALSE(load_geo_database("/nonexistent/country.mmdb"));
  EXPECT_FALSE(load_geo_database("/dev/zero"));
}

TEST(GeoDatabase, DamagedIsRefusedOrReadAndNeverKills) {
  const std::string whole = make_mmdb("geoip2-city");
  std::mt19937 random(4);
  unsigned refused = 0;
  for (unsigned round = 0; round < 2000; ++round) {
    std::string damaged = whole;
    if (round % 4 == 0) {
      damaged.resize(random() % damaged.size());
    } else {
      for (unsigned i = 0; i < 1 + round % 8; ++i) {
        damaged[random() % damaged.size()] = static_cast<char>(random());
      }
    }
    if (!parse_geo_database(damaged)) ++refused;
  }
  EXPECT_GT(refused, 300U);
}

TEST(GeoDatabase, ShippedOneKnowsWellKnownNetworks) {
  const auto database = load_geo_database(GSLB_SOURCE_DIR "/data/geo/country.mmdb");
  ASSERT_TRUE(database) << database.error();
  const auto map = make_location_map(database->get(), {});
  EXPECT_EQ(place_of(*map, "8.8.8.8").substr(0, 2), "US");
  EXPECT_EQ(place_of(*map, "193.0.6.139").substr(0, 2), "NL");  // RIPE NCC
  EXPECT_EQ(place_of(*map, "2001:67c:2e8:22::c100:68b").substr(0, 2), "NL");
  for (const char* inside : {"10.1.2.3", "172.16.0.1", "192.168.7.1", "100.64.0.1", "fd00::1"}) {
    EXPECT_EQ(place_of(*map, inside), "?")
        << inside << ", which it places in Australia or elsewhere";
  }
  EXPECT_LT(map->memory(), 30'000'000U);
}

TEST(LocationMap, WhatIsConfiguredStandsBeforeTheDatabase) {
  const auto database = database_of("ip-location-db-country");
  const std::vector<ConfiguredLocation> configured{{{ip("198.51.0.0"), 16}, "IE", std::nullopt},
                                                   {{ip("198.51.100.64"), 26}, "", GeoPoint{1, 2}},
                                                   {{ip("10.20.0.0"), 16}, "US-CA", std::nullopt},
                                                   {{ip("fd00::"), 8}, "GEO-EU", std::nullopt}};
  const auto map = make_location_map(database.get(), configured);
  EXPECT_EQ(place_of(*map, "198.51.100.1"), "IE 53,-8") << "although the database has a /25";
  EXPECT_EQ(place_of(*map, "198.51.100.200"), "IE 53,-8");
  EXPECT_EQ(place_of(*map, "198.51.100.65"), "WORLD 1,2");
  EXPECT_EQ(place_of(*map, "10.20.30.40"), "US-CA 37.2,-119.4");
  EXPECT_EQ(place_of(*map, "fd12::1"), "GEO-EU") << "a group has no middle";
  EXPECT_EQ(place_of(*map, "192.0.2.1"), "US 38,-97");
  EXPECT_EQ(place_of(*map, "198.52.0.0"), "?");
}

TEST(LocationMap, RegionsKnowWhatIsAroundThem) {
  const std::vector<ConfiguredLocation> configured{{{ip("10.20.0.0"), 16}, "US-CA", std::nullopt}};
  const auto map = make_location_map(nullptr, configured);
  const auto state = map->find_region("US-CA");
  ASSERT_TRUE(state);
  EXPECT_EQ(map->regions()[map->parent(*state)].name, "US");
  EXPECT_EQ(map->parent(*map->find_region("GEO-NA")), kWorld);
  EXPECT_EQ(map->find_region("GB"), std::nullopt);
}

}  // namespace
}  // namespace gslb::routing
