#include "app/config_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gslb::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string file_with(const std::string& profile, const std::string& more = "") {
  return R"(
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
addresses = ["203.0.113.20"]
monitors = ["sstp"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "weighted"
)" + profile +
         more;
}

std::vector<std::string> changes(const std::string& before, const std::string& after) {
  const ConfigResult old = parse_config(before, "old.toml", 1);
  const ConfigResult fresh = parse_config(after, "new.toml", 2);
  EXPECT_NE(old.config, nullptr);
  EXPECT_NE(fresh.config, nullptr);
  return describe_changes(*old.config, *fresh.config);
}

const std::string kBoth =
    R"(endpoints = [{ endpoint = "london", weight = 70 }, { endpoint = "paris" }]
)";

TEST(ConfigDiff, TheSameMeaningIsNoChange) {
  EXPECT_THAT(changes(file_with(kBoth), "# a comment\n" + file_with(kBoth)), IsEmpty());
}

TEST(ConfigDiff, AWeightIsNamedWithBothValues) {
  EXPECT_THAT(
      changes(
          file_with(kBoth),
          file_with(R"(endpoints = [{ endpoint = "london", weight = 10 }, { endpoint = "paris" }]
)")),
      ElementsAre("profile vpn: weight of london 70 -> 10"));
}

TEST(ConfigDiff, EndpointsComeAndGo) {
  EXPECT_THAT(changes(file_with(kBoth),
                      file_with("endpoints = [{ endpoint = \"paris\", priority = 2 }]\n")),
              ElementsAre("profile vpn: endpoint london removed"));
  EXPECT_THAT(changes(file_with("endpoints = [{ endpoint = \"paris\", priority = 2 }]\n"),
                      file_with(kBoth)),
              ElementsAre("profile vpn: endpoint london added"));
}

TEST(ConfigDiff, EverythingElseIsNamed) {
  EXPECT_THAT(changes(file_with(kBoth), file_with(kBoth, R"(
[endpoint.rome]
addresses = ["203.0.113.30"]
[profile.web]
name = "web.gslb.example.com"
method = "priority"
endpoints = [{ endpoint = "rome" }]
)")),
              ElementsAre("endpoint rome added", "profile web added"));
  std::string changed = file_with(kBoth);
  changed.replace(changed.find("203.0.113.20"), 12, "203.0.113.99");
  changed.replace(changed.find("\"ns1\""), 5, "\"ns9\"");
  EXPECT_THAT(changes(file_with(kBoth), changed),
              ElementsAre("server.identity ns1 -> ns9", "endpoint paris changed"));
}

TEST(ConfigDiff, ServerSettingsAreNamed) {
  std::string changed = file_with(kBoth);
  changed.replace(changed.find("identity = \"ns1\""), 16,
                  "identity = \"ns1\"\ncookies = { require = true }\nrate_limit = { "
                  "responses_per_second = 5 }\nversion = \"x\"");
  EXPECT_THAT(
      changes(file_with(kBoth), changed),
      ElementsAre("server.version changed", "server.cookies changed", "server.rate_limit changed"));
}

TEST(ConfigDiff, TransfersAreNamed) {
  const auto with = [](const std::string& algorithm, const std::string& allowed) {
    return file_with(kBoth) + "[tsig.transfer]\nalgorithm = \"" + algorithm +
           "\"\nsecret_file = \"" GSLB_SOURCE_DIR
           "/docs/reference/transfer.key\"\n[zone.\"static.test\"]\nnameservers = { \"ns.example\" "
           "= "
           "[] }\nallow_transfer = [\"" +
           allowed + "\"]\ntransfer_key = \"transfer\"\n";
  };
  const std::string before = with("hmac-sha256", "192.0.2.1");
  EXPECT_THAT(changes(before, before), IsEmpty());
  EXPECT_THAT(changes(before, with("hmac-sha512", "192.0.2.1")), ElementsAre("tsig keys changed"));
  EXPECT_THAT(changes(before, with("hmac-sha256", "192.0.2.2")),
              ElementsAre("zone static.test changed"));
}

TEST(ConfigDiff, AMonitorThatChangesChangesItsEndpoints) {
  std::string changed = file_with(kBoth);
  changed.replace(changed.find("preset = \"sstp\""), 15, "preset = \"sstp\"\ninterval = \"7s\"");
  EXPECT_THAT(changes(file_with(kBoth), changed),
              ElementsAre("endpoint london changed", "endpoint paris changed"));
}

}  // namespace
}  // namespace gslb::app
