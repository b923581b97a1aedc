#include "app/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/admin_json.h"
#include "app/gslbctl_status.h"

namespace gslb::app {
namespace {

using base::EndpointStatus;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kConfig = R"(
[server]
identity = "ns1"
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
preset = "sstp"
[endpoint.london]
addresses = ["203.0.113.10"]
monitors = ["sstp"]
[endpoint.paris]
addresses = ["203.0.113.20", "2001:db8::20"]
monitors = ["sstp"]
[endpoint.old]
addresses = ["203.0.113.30"]
enabled = false
[profile.europe]
method = "priority"
endpoints = [{ endpoint = "london" }, { endpoint = "paris" }]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "weighted"
[[profile.vpn.endpoints]]
profile = "europe"
min_children = 2
[[profile.vpn.endpoints]]
endpoint = "london"
always_serve = true
[[profile.vpn.endpoints]]
endpoint = "old"
[[profile.vpn.endpoints]]
endpoint = "paris"
enabled = false
[profile.off]
name = "off.gslb.example.com"
method = "priority"
enabled = false
endpoints = [{ endpoint = "paris" }, { endpoint = "london", enabled = false }]
[profile.around]
name = "around.gslb.example.com"
method = "priority"
endpoints = [{ profile = "off" }]
)";

/// London has the status and reason given, Paris is Online.
class StatusReportTest : public testing::Test {
 protected:
  void make(EndpointStatus london, const std::string& reason) {
    const ConfigResult result = parse_config(kConfig, "test.toml", 7);
    ASSERT_TRUE(result.config) << result.diagnostics.front().to_string();
    config_ = result.config;
    const std::vector<EndpointStatus> statuses{london, EndpointStatus::kOnline,
                                               EndpointStatus::kDisabled};
    std::vector<routing::EndpointSpec> endpoints;
    std::vector<routing::EndpointState> states;
    for (std::size_t i = 0; i < statuses.size(); ++i) {
      endpoints.push_back(config_->endpoints[i].routing);
      states.push_back({statuses[i], statuses[i], std::nullopt, std::nullopt});
    }
    const std::vector<std::string> reasons{reason, "", ""};
    report_ = make_status_report(*config_, {config_->profiles, endpoints, states, {}, nullptr},
                                 statuses, reasons);
  }

  /// `STATUS serving/total`, then `NAME STATUS in|out: REASON` for each entry.
  std::vector<std::string> profile(std::size_t index) const {
    const ProfileReport& report = report_.profiles.at(index);
    std::vector<std::string> lines{std::string(routing::to_string(report.status)) + " " +
                                   std::to_string(report.serving) + "/" +
                                   std::to_string(report.entries.size())};
    for (const EntryReport& entry : report.entries) {
      lines.push_back(entry.name + " " + std::string(base::to_string(entry.status)) +
                      (entry.is_serving ? " in: " : " out: ") + entry.reason);
    }
    return lines;
  }

  std::shared_ptr<const Config> config_;
  StatusReport report_;
};

TEST_F(StatusReportTest, TellsWhyEachEntryIsNotServing) {
  make(EndpointStatus::kDegraded, "monitor sstp: no answer");
  EXPECT_THAT(profile(0),
              ElementsAre("Degraded 1/2", "london Degraded out: monitor sstp: no answer",
                          "paris Online in: "));
  EXPECT_THAT(profile(1),
              ElementsAre("Degraded 1/4",
                          "europe Degraded out: 1 of 2 entries of profile europe can be answered; "
                          "it takes 2",
                          "london Unmonitored in: ", "old Disabled out: disabled by configuration",
                          "paris Disabled out: disabled by configuration"));
}

TEST_F(StatusReportTest, FollowsNestedProfiles) {
  make(EndpointStatus::kOnline, "");
  EXPECT_EQ(profile(1).at(0), "Online 2/4");
  EXPECT_EQ(profile(1).at(1), "europe Online in: ");
  make(EndpointStatus::kCheckingEndpoint, "");
  EXPECT_EQ(profile(1).at(1), "europe CheckingEndpoint in: ");
}

TEST_F(StatusReportTest, ADisabledProfileStopsTheEntryThatItIsNestedIn) {
  make(EndpointStatus::kOnline, "");
  EXPECT_THAT(profile(2), ElementsAre("Disabled 0/2", "paris Inactive out: the profile is disabled",
                                      "london Disabled out: disabled by configuration"));
  EXPECT_THAT(profile(3), ElementsAre("Inactive 0/1", "off Stopped out: profile off is disabled"));
}

TEST_F(StatusReportTest, EndpointsKnowWhoUsesThem) {
  make(EndpointStatus::kOnline, "");
  EXPECT_THAT(report_.endpoints.at(0).used_by, ElementsAre("europe", "vpn", "off"));
  EXPECT_EQ(report_.endpoints.at(2).reason, "disabled by configuration");
}

TEST_F(StatusReportTest, IsShownAsATable) {
  make(EndpointStatus::kDegraded, "monitor sstp: no answer");
  const auto part = only_profile(status_to_json(*config_, report_), "europe");
  ASSERT_TRUE(part) << part.error();
  const auto table = status_table(*part);
  ASSERT_TRUE(table) << table.error();
  EXPECT_EQ(*table,
            "PROFILE   NAME  METHOD    STATUS    SERVING  REASON\n"
            "europe    -     priority  Degraded  1/2\n"
            "  london                  Degraded  no       monitor sstp: no answer\n"
            "  paris                   Online    yes\n");
}

TEST_F(StatusReportTest, ShowsEndpointsAsATable) {
  make(EndpointStatus::kOnline, "");
  report_.endpoints[0].load = 0.825;
  const auto table = endpoints_table(endpoints_to_json(*config_, report_));
  ASSERT_TRUE(table) << table.error();
  EXPECT_THAT(*table, HasSubstr("203.0.113.20 2001:db8::20  Online    sstp      europe vpn off"));
  EXPECT_THAT(*table, HasSubstr("82 %"));
}

TEST_F(StatusReportTest, ProfilesInJsonHaveTheirConfiguration) {
  make(EndpointStatus::kOnline, "");
  EXPECT_THAT(profiles_to_json(*config_, report_),
              HasSubstr(R"("profile":"europe","status":"Online","serving":true,"reason":null,)"
                        R"("enabled":true,"weight":1,"priority":1,"always_serve":false,)"
                        R"("regions":[],"subnets":[],"min_children":2)"));
}

TEST_F(StatusReportTest, AnotherProfileOrReplyIsAnError) {
  make(EndpointStatus::kOnline, "");
  EXPECT_FALSE(only_profile(status_to_json(*config_, report_), "eu"));
  for (const char* reply : {"", "null", "[]", "{}", R"({"profiles":[{}]})", R"({"profiles":1})"}) {
    EXPECT_FALSE(status_table(reply)) << reply;
    EXPECT_FALSE(endpoints_table(reply)) << reply;
  }
}

}  // namespace
}  // namespace gslb::app
