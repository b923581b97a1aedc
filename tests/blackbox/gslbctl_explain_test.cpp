// `gslbctl explain` and `gslbctl diff` on files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/support/process.h"

namespace gslb::blackbox {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

constexpr const char* kConfig = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
file = "static.zone"
[[location]]
prefix = "10.20.0.0/16"
region = "US-CA"
[endpoint.london]
addresses = ["203.0.113.10", "2001:db8::10"]
[endpoint.paris]
addresses = ["203.0.113.20"]
[endpoint.newyork]
addresses = ["203.0.113.30"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "geographic"
[[profile.vpn.endpoints]]
profile = "europe"
regions = ["GEO-EU", "WORLD"]
[[profile.vpn.endpoints]]
endpoint = "newyork"
regions = ["US"]
[profile.europe]
method = "weighted"
ttl = "10s"
endpoints = [{ endpoint = "london", weight = 70 }, { endpoint = "paris", weight = 30 }]
)";

class GslbctlExplain : public testing::Test {
 protected:
  GslbctlExplain() {
    support::write_file(file_, kConfig);
    support::write_file(folder_.path() / "static.zone", "www 60 IN CNAME vpn\n");
  }
  support::Finished explain(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {GSLBCTL_BINARY, "explain", "--config", file_.string()});
    return support::run(arguments);
  }

  support::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "gslbd.toml";
};

TEST_F(GslbctlExplain, TellsEachLevelWithItsReasons) {
  const auto told = explain({"vpn.gslb.example.com", "--client", "193.0.6.139"});
  EXPECT_EQ(told.status, 0);
  for (const char* line :
       {"client: NL < GEO-EU < WORLD, at 52.5,5.8, says the geo database",
        "profile vpn, method geographic", "its region GEO-EU holds the client",
        "none of its regions holds the client (NL, GEO-EU, WORLD)",
        "profile europe, method weighted, 100.0 %", "in   london   70.0 %  Online; weight 70",
        "203.0.113.20, TTL 10 (the ttl of profile europe)", "ECS scope: /"}) {
    EXPECT_THAT(told.output, HasSubstr(line));
  }
}

TEST_F(GslbctlExplain, TakesNetworksTypesAndAliases) {
  const auto office = explain({"www.gslb.example.com", "--client", "10.20.0.0/16"});
  EXPECT_THAT(office.output, HasSubstr("US-CA < US < GEO-NA < WORLD"));
  EXPECT_THAT(office.output, HasSubstr("a [[location]] of the configuration"));
  EXPECT_THAT(office.output, HasSubstr("100.0 %  203.0.113.30"));
  const auto v6 = explain({"vpn.gslb.example.com", "--client", "193.0.6.139", "--type", "aaaa"});
  EXPECT_THAT(v6.output, HasSubstr("has no IPv6 address"));
  EXPECT_THAT(v6.output, HasSubstr("100.0 %  2001:db8::10"));
}

TEST_F(GslbctlExplain, JsonHasItAll) {
  const auto told = explain({"vpn.gslb.example.com", "--client", "193.0.6.139", "--json"});
  ASSERT_EQ(told.status, 0) << told.output;
  const json::object root = json::parse(told.output).as_object();
  EXPECT_EQ(root.at("profile").as_string(), "vpn");
  EXPECT_EQ(root.at("client").at("source").as_string(), "database");
  EXPECT_EQ(root.at("levels").as_array().size(), 2U);
  EXPECT_EQ(root.at("results").as_array().size(), 2U);
  EXPECT_NEAR(root.at("results").at(0).at("probability").to_number<double>(), 0.7, 1e-6);
  EXPECT_GT(root.at("scope").to_number<int>(), 0);
}

TEST_F(GslbctlExplain, RefusesWhatItCannotAnswer) {
  const struct {
    std::vector<std::string> arguments;
    int status;
    const char* message;
  } rows[] = {
      {{"vpn.gslb.example.com", "--client", "nobody"}, 2, "is no address"},
      {{"vpn.gslb.example.com", "--client", "10.0.0.1", "--type", "MX"}, 2, "write A or AAAA"},
      {{"nix.gslb.example.com", "--client", "10.0.0.1"}, 1, "no profile answers"},
      {{"vpn..example.com", "--client", "10.0.0.1"}, 2, "is no DNS name"},
      {{"vpn.gslb.example.com"}, 2, "--client is required"}};
  for (const auto& row : rows) {
    const auto told = explain(row.arguments);
    EXPECT_EQ(told.status, row.status) << told.output;
    EXPECT_THAT(told.output, HasSubstr(row.message));
  }
}

TEST_F(GslbctlExplain, DiffTellsWhatChangesAndWhoMoves) {
  const std::filesystem::path other = folder_.path() / "other.toml";
  std::string changed = kConfig;
  changed.replace(changed.find("weight = 70"), 11, "weight = 20");
  support::write_file(other, changed);
  const auto diff = [&](const std::filesystem::path& file) {
    return support::run({GSLBCTL_BINARY, "diff", file.string(), "--config", file_.string()});
  };
  const auto told = diff(other);
  EXPECT_EQ(told.status, 0);
  EXPECT_THAT(told.output, HasSubstr("profile europe: weight of london 70 -> 20\n"));
  EXPECT_THAT(told.output, HasSubstr("profile europe, while every site is healthy:\n"
                                     "  A      30.0 % of the clients move\n"
                                     "         30.0 % london -> paris\n"));
  EXPECT_EQ(diff(file_).output, "nothing changes\n");

  support::write_file(other, "nonsense");
  EXPECT_EQ(diff(other).status, 2);
}

}  // namespace
}  // namespace gslb::blackbox
