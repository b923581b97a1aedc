// Ten thousand clients from all over the world against an oracle of its own: libmaxminddb's lookup,
// and the rules as the documentation has them.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <maxminddb.h>

#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <random>
#include <sstream>

#include "dns/wire.h"
#include "routing/region.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/test_snapshot.h"

namespace gslb::blackbox {
namespace {

constexpr unsigned kClients = 10'000;

/// As in https://learn.microsoft.com/azure/traffic-manager/traffic-manager-geographic-regions.
constexpr std::pair<const char*, const char*> kGroups[] = {
    {"GEO-EU",
     "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT "
     "LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XJ XK"},
    {"GEO-ME", "AE BH IL IQ IR JO KW LB OM PS QA SA SY TR YE"},
    {"GEO-NA",
     "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA "
     "PM PR SV SX TC TT UM US VC VG VI XE XS"},
    {"GEO-AS",
     "AF AM AZ BD BN BT CC CN CX GE HK ID IN IO JP KG KH KP KR KZ LA LK MM MN MO MV MY NP PH PK SG "
     "TH TJ TL TM TW UZ VN"},
    {"GEO-AF",
     "AO BF BI BJ BV BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG "
     "ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW"},
    {"GEO-AN", "AQ"},
    {"GEO-SA", "AR BO BR CL CO EC FK GF GS GY PE PY SR UY VE"},
    {"GEO-AP", "AS AU CK FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV VU WF WS"},
};

/// Countries by libmaxminddb's own lookup.
class GeoOracle {
 public:
  GeoOracle() {
    const std::string file = GSLB_SOURCE_DIR "/data/geo/country.mmdb";
    if (MMDB_open(file.c_str(), MMDB_MODE_MMAP, &database_) != MMDB_SUCCESS) std::abort();
    for (const auto& [group, countries] : kGroups) {
      std::istringstream words(countries);
      std::string country;
      while (words >> country) group_of_[country] = group;
    }
  }
  GeoOracle(const GeoOracle&) = delete;
  GeoOracle& operator=(const GeoOracle&) = delete;
  ~GeoOracle() { MMDB_close(&database_); }

  /// Empty where it is not known.
  std::string country(const base::IpAddress& client) const {
    int lookup_error = 0, database_error = 0;
    MMDB_lookup_result_s found = MMDB_lookup_string(&database_, base::to_string(client).c_str(),
                                                    &lookup_error, &database_error);
    MMDB_entry_data_s data{};
    const bool is_there =
        lookup_error == 0 && database_error == MMDB_SUCCESS && found.found_entry &&
        MMDB_get_value(&found.entry, &data, "country_code", nullptr) == MMDB_SUCCESS;
    return is_there && data.has_data ? std::string(data.utf8_string, data.data_size) : "";
  }
  std::string group(const std::string& country) const {
    const auto found = group_of_.find(country);
    return found == group_of_.end() ? "" : found->second;
  }

 private:
  MMDB_s database_{};
  std::map<std::string, std::string> group_of_;
};

bool is_private(const base::IpAddress& client) {
  for (const char* network : {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                              "127.0.0.0/8", "169.254.0.0/16"}) {
    const std::string text = network;
    const std::size_t slash = text.find('/');
    const base::AddressPrefix prefix{support::ip(text.substr(0, slash)),
                                     static_cast<std::uint8_t>(std::stoi(text.substr(slash + 1)))};
    if (prefix.contains(client)) return true;
  }
  return false;
}

/// Kilometres by the spherical law of cosines, in long double.
long double distance(const routing::GeoPoint& a, const routing::GeoPoint& b) {
  const auto radians = [](double degrees) {
    return static_cast<long double>(degrees) * std::numbers::pi_v<long double> / 180;
  };
  const long double c = std::sin(radians(a.latitude)) * std::sin(radians(b.latitude)) +
                        std::cos(radians(a.latitude)) * std::cos(radians(b.latitude)) *
                            std::cos(radians(a.longitude) - radians(b.longitude));
  return 6371 * std::acos(std::clamp<long double>(c, -1, 1));
}

std::vector<std::uint8_t> ecs_query(const std::string& owner, const base::IpAddress& client,
                                    unsigned length) {
  auto query = support::make_query(owner, dns::type::kA, 1232);
  const auto bytes = base::masked(client, length);
  const std::size_t octets = (length + 7) / 8;
  std::vector<std::uint8_t> option{0,
                                   8,
                                   0,
                                   static_cast<std::uint8_t>(4 + octets),
                                   0,
                                   static_cast<std::uint8_t>(client.is_v4() ? 1 : 2),
                                   static_cast<std::uint8_t>(length),
                                   0};
  option.insert(option.end(), bytes.bytes().begin(),
                bytes.bytes().begin() + static_cast<std::ptrdiff_t>(octets));
  query[query.size() - 1] = static_cast<std::uint8_t>(option.size());
  query.insert(query.end(), option.begin(), option.end());
  return query;
}

class GeoOracleTest : public testing::Test {
 protected:
  base::IpAddress random_client() {
    if (random_() % 3 != 0) {
      return base::IpAddress::v4(
          {static_cast<std::uint8_t>(1 + random_() % 223), octet(), octet(), octet()});
    }
    // Where the five registries give out addresses.
    constexpr std::uint16_t kBlocks[] = {0x2001, 0x2400, 0x2600, 0x2800, 0x2a00, 0x2c00};
    std::array<std::uint8_t, 16> bytes{};
    const std::uint16_t block = kBlocks[random_() % 6];
    bytes[0] = static_cast<std::uint8_t>(block >> 8);
    bytes[1] = static_cast<std::uint8_t>(block == 0x2001 ? 1 : (block & 0xff) + random_() % 16);
    for (std::size_t i = 2; i < 7; ++i) bytes[i] = octet();
    return base::IpAddress::v6(bytes);
  }
  std::uint8_t octet() { return static_cast<std::uint8_t>(random_()); }

  /// The address answered, and the scope.
  std::pair<std::string, unsigned> ask(Daemon& daemon, support::UdpClient& socket,
                                       const std::string& owner, const base::IpAddress& client) {
    const unsigned length = client.is_v4() ? 32 : 56;
    const auto response = socket.ask(ecs_query(owner, client, length));
    const auto message = response ? support::parse_message(*response) : std::nullopt;
    if (!message || message->answer.size() != 1 || message->edns_options.size() < 8) {
      ADD_FAILURE() << "no answer for " << base::to_string(client) << "\n" << daemon.log();
      return {};
    }
    return {message->answer[0].substr(message->answer[0].rfind(' ') + 1), message->edns_options[7]};
  }

  std::mt19937 random_{2026};
  GeoOracle oracle_;
};

TEST_F(GeoOracleTest, TenThousandClientsGetWhatTheRulesSay) {
  const std::map<std::string, std::string> region_sites{
      {"GB", "192.0.2.1"},     {"DE", "192.0.2.2"},     {"US", "192.0.2.3"},
      {"BR", "192.0.2.4"},     {"GEO-EU", "192.0.2.5"}, {"GEO-AS", "192.0.2.6"},
      {"GEO-ME", "192.0.2.7"}, {"GEO-NA", "192.0.2.8"}, {"WORLD", "192.0.2.9"}};
  const std::map<std::string, routing::GeoPoint> places{{"198.51.100.1", {51.5, -0.1}},
                                                        {"198.51.100.2", {40.7, -74.0}},
                                                        {"198.51.100.3", {35.7, 139.7}},
                                                        {"198.51.100.4", {-33.9, 151.2}},
                                                        {"198.51.100.5", {-23.5, -46.6}}};
  std::string config =
      "[zone.\"gslb.example.com\"]\nnameservers = { \"ns1.gslb.example.com\" = "
      "[\"192.0.2.53\"] }\n";
  std::string geographic =
      "[profile.geo]\nname = \"geo.gslb.example.com\"\nmethod = "
      "\"geographic\"\n";
  for (const auto& [region, address] : region_sites) {
    config += "[endpoint.at-" + region + "]\naddresses = [\"" + address + "\"]\n";
    geographic += "[[profile.geo.endpoints]]\nendpoint = \"at-" + region + "\"\nregions = [\"" +
                  region + "\"]\n";
  }
  std::string performance =
      "[profile.near]\nname = \"near.gslb.example.com\"\nmethod = "
      "\"performance\"\n";
  for (const auto& [address, place] : places) {
    const std::string name = "near" + address.substr(address.rfind('.') + 1);
    config += "[endpoint." + name + "]\naddresses = [\"" + address + "\"]\ncoordinates = [" +
              std::to_string(place.latitude) + ", " + std::to_string(place.longitude) + "]\n";
    performance += "[[profile.near.endpoints]]\nendpoint = \"" + name + "\"\n";
  }
  Daemon daemon(config + geographic + performance);
  support::UdpClient socket(daemon.address());

  std::map<std::string, unsigned> seen;
  unsigned unknown = 0;
  for (unsigned i = 0; i < kClients; ++i) {
    const base::IpAddress client = random_client();
    SCOPED_TRACE(base::to_string(client));
    const std::string country = is_private(client) ? "" : oracle_.country(client);
    std::string expected = region_sites.at("WORLD");
    for (const std::string& region : {oracle_.group(country), country}) {
      if (region_sites.contains(region)) expected = region_sites.at(region);
    }
    const auto [answer, scope] = ask(daemon, socket, "geo.gslb.example.com", client);
    ASSERT_EQ(answer, expected) << country;
    ++seen[answer];

    if (scope > 0 && i % 4 == 0) {
      const base::AddressRange alike = base::to_range({client, static_cast<std::uint8_t>(scope)});
      const base::IpAddress& other = i % 8 == 0 ? alike.first : alike.last;
      ASSERT_EQ(ask(daemon, socket, "geo.gslb.example.com", other).first, answer)
          << "within /" << scope;
    }

    const auto near = ask(daemon, socket, "near.gslb.example.com", client).first;
    const auto middle = country.empty() ? std::nullopt : routing::centroid(country);
    if (!middle) {
      ++unknown;
      continue;
    }
    long double best = 1e9;
    for (const auto& [address, place] : places) best = std::min(best, distance(*middle, place));
    // Of two at the same distance either is right.
    ASSERT_LE(distance(*middle, places.at(near)), best + 1) << country;
  }
  EXPECT_EQ(seen.size(), region_sites.size()) << "every rule was used";
  EXPECT_LT(unknown, kClients / 2);
}

}  // namespace
}  // namespace gslb::blackbox
