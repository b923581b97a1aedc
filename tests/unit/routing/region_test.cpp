#include "routing/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "routing/region_table.h"

namespace gslb::routing {
namespace {

using testing::ElementsAre;

TEST(Region, TakesCodesInAnyLetterCase) {
  const std::pair<const char*, const char*> rows[] = {{"GB", "GB"},         {"gb", "GB"},
                                                      {"us-ca", "US-CA"},   {"FR-75C", "FR-75C"},
                                                      {"geo-eu", "GEO-EU"}, {"World", "WORLD"}};
  for (const auto& [text, region] : rows) EXPECT_EQ(normalise_region(text), region) << text;
}

TEST(Region, RefusesWhatIsNoCode) {
  for (const char* text : {"", "UK", "GBR", "GEO-XX", "GEO-", "EUROPE", "US-", "US-CALI", "ZZ-CA",
                           "US CA", "US-C ", "US_CA", "GB\xc3\xa4"}) {
    EXPECT_EQ(normalise_region(text), std::nullopt) << text;
  }
}

TEST(Region, ChainLeadsFromTheStateToTheWorld) {
  EXPECT_THAT(region_chain("US-CA"), ElementsAre("US-CA", "US", "GEO-NA", "WORLD"));
  EXPECT_THAT(region_chain("GB"), ElementsAre("GB", "GEO-EU", "WORLD"));
  EXPECT_THAT(region_chain("GEO-SA"), ElementsAre("GEO-SA", "WORLD"));
  EXPECT_THAT(region_chain("WORLD"), ElementsAre("WORLD"));
}

/// Those that people expect elsewhere.
TEST(Region, GroupsAreThoseOfAzureTrafficManager) {
  const std::pair<const char*, const char*> rows[] = {
      {"TR", "GEO-ME"}, {"AE", "GEO-ME"}, {"IL", "GEO-ME"}, {"IR", "GEO-ME"}, {"CY", "GEO-EU"},
      {"RU", "GEO-EU"}, {"GE", "GEO-AS"}, {"AM", "GEO-AS"}, {"KZ", "GEO-AS"}, {"EG", "GEO-AF"},
      {"MX", "GEO-NA"}, {"PA", "GEO-NA"}, {"CO", "GEO-SA"}, {"GL", "GEO-NA"}, {"IO", "GEO-AS"},
      {"CX", "GEO-AS"}, {"GS", "GEO-SA"}, {"BV", "GEO-AF"}, {"HM", "GEO-AP"}, {"AQ", "GEO-AN"},
      {"XK", "GEO-EU"}, {"PS", "GEO-ME"}};
  for (const auto& [country, group] : rows) EXPECT_EQ(country_group(country), group) << country;
}

TEST(Region, EveryCountryHasAGroupAndAMiddle) {
  const std::set<std::string_view> groups{"GEO-AF", "GEO-AN", "GEO-AP", "GEO-AS",
                                          "GEO-EU", "GEO-ME", "GEO-NA", "GEO-SA"};
  std::set<std::string_view> seen;
  std::string_view last;
  for (const CountryRow& row : countries()) {
    EXPECT_LT(last, row.code) << "sorted, for the search";
    last = row.code;
    EXPECT_TRUE(groups.contains(row.group)) << row.code;
    EXPECT_TRUE(normalise_region(row.group).has_value());
    EXPECT_LE(std::abs(row.middle.latitude), 90) << row.code;
    EXPECT_LE(std::abs(row.middle.longitude), 180) << row.code;
    seen.insert(row.code);
  }
  // ISO 3166-1 has 249 countries; beside them are Kosovo and three of Azure's.
  EXPECT_EQ(seen.size(), 249U + 4U);
}

TEST(Region, MiddleIsThatOfTheSubdivisionOrElseOfItsCountry) {
  EXPECT_LT(distance_km(*centroid("US-CA"), {37, -119.5}), 200);
  EXPECT_EQ(centroid("FR-75C"), centroid("FR"));
  EXPECT_LT(distance_km(*centroid("GB"), {54, -2}), 100);
  EXPECT_EQ(centroid("GEO-EU"), std::nullopt);
  EXPECT_EQ(centroid("WORLD"), std::nullopt);
}

TEST(Location, DistancesAreThoseOfTheSphere) {
  const GeoPoint london{51.5074, -0.1278}, paris{48.8566, 2.3522}, sydney{-33.8688, 151.2093};
  EXPECT_NEAR(distance_km(london, paris), 344, 2);
  EXPECT_NEAR(distance_km(london, sydney), 16'994, 20);
  EXPECT_NEAR(distance_km({0, 0}, {0, 180}), 20'015, 1);
  EXPECT_EQ(distance_km(london, london), 0);
}

TEST(Location, TheNearerPlaceHasTheLargerDotProduct) {
  const UnitVector client = to_unit_vector({50.1, 8.7});
  const float london = dot(client, to_unit_vector({51.5, -0.1}));
  const float new_york = dot(client, to_unit_vector({40.7, -74.0}));
  const float auckland = dot(client, to_unit_vector({-36.8, 174.8}));
  EXPECT_GT(london, new_york);
  EXPECT_GT(new_york, auckland);
}

}  // namespace
}  // namespace gslb::routing
