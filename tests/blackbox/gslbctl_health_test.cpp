// gslbctl probe, disable, drain, enable and endpoints NAME, as an operator types them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/blackbox/daemon.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

using support::run;
using support::SiteBehaviour;
using support::VpnSite;
using testing::ContainsRegex;
using testing::HasSubstr;

class GslbctlHealth : public testing::Test {
 protected:
  support::Finished gslbctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), GSLBCTL_BINARY);
    arguments.insert(arguments.end(), {"--control", daemon_.control().string()});
    return run(arguments);
  }

  VpnSite site_;
  Daemon daemon_{site_and_spare(site_.port())};
};

TEST_F(GslbctlHealth, ProbeShowsEachStepAndExitsByTheOutcome) {
  const auto good = gslbctl({"probe", "london"});
  EXPECT_EQ(good.status, 0);
  EXPECT_THAT(good.output,
              testing::StartsWith("london, monitor sstp at " + base::to_string(site_.address()) +
                                  ": passed after "));
  EXPECT_THAT(good.output, ContainsRegex("ms  TCP connection\n.* ms  TLS handshake\n"
                                         ".* ms  status 401\n    certificate CN=vpn.example.com, "
                                         "issued by CN=vpn.example.com, EC 256 bits, expires 20"));
  EXPECT_THAT(good.output, HasSubstr("    error: the certificate is self-signed\n"));
  site_.set_behaviour(SiteBehaviour::kStatus404);
  const auto bad = gslbctl({"probe", "london", "--monitor", "sstp", "--json"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_FALSE(boost::json::parse(bad.output).at("passed").as_bool());
  EXPECT_EQ(gslbctl({"probe", "spare"}).output, "gslbctl: endpoint spare has no monitors\n");
  EXPECT_EQ(gslbctl({"probe", "mars"}).output, "gslbctl: there is no endpoint mars\n");
  EXPECT_EQ(gslbctl({"probe", "london", "--monitor", "x"}).status, 1);
}

TEST_F(GslbctlHealth, ProbeWorksWithoutADaemon) {
  const std::string file = daemon_.file().string();
  const auto good = run({GSLBCTL_BINARY, "probe", "london", "--config", file});
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_THAT(good.output, HasSubstr("passed after"));
  EXPECT_EQ(run({GSLBCTL_BINARY, "probe", "mars", "--config", file}).output,
            "gslbctl: there is no endpoint mars\n");
  EXPECT_EQ(run({GSLBCTL_BINARY, "probe", "london", "--config", "/nowhere.toml"}).status, 1);
}

TEST_F(GslbctlHealth, OrdersTakeEffectAtOnceAndAreTakenBack) {
  ASSERT_TRUE(daemon_.wait_for_log("CheckingEndpoint -> Online"));
  EXPECT_EQ(daemon_.addresses(kVpn), kSite);
  const auto drained = gslbctl({"drain", "london", "--for", "2h", "--reason", "new disks"});
  EXPECT_EQ(drained.status, 0);
  EXPECT_THAT(drained.output, ContainsRegex("^london: drain until 20.*Z\n$"));
  EXPECT_EQ(daemon_.addresses(kVpn), kSpare);
  EXPECT_EQ(gslbctl({"disable", "spare"}).output, "spare: disable\n");
  EXPECT_EQ(daemon_.addresses(kVpn), kSite) << "drained, but nothing else is left";
  EXPECT_THAT(gslbctl({"explain", kVpn, "--client", "192.0.2.1"}).output,
              HasSubstr("drained by the operator, so only while nothing else is left"));
  EXPECT_EQ(gslbctl({"enable", "spare"}).output, "spare: as configured\n");
  EXPECT_EQ(daemon_.addresses(kVpn), kSpare);
  EXPECT_EQ(gslbctl({"enable", "london"}).output, "london: as configured\n");
  EXPECT_EQ(daemon_.addresses(kVpn), kSite);
  const auto bad = gslbctl({"drain", "london", "--for", "soon"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output, HasSubstr("gslbctl: \"soon\""));
  EXPECT_EQ(run({GSLBCTL_BINARY, "drain"}).status, 2);
  EXPECT_EQ(run({GSLBCTL_BINARY, "drain", "a", "--control", "/nowhere"}).status, 3);
}

TEST_F(GslbctlHealth, EndpointsTellsEachCheckOfOne) {
  ASSERT_TRUE(daemon_.wait_for_log("CheckingEndpoint -> Online"));
  const auto one = gslbctl({"endpoints", "london"});
  EXPECT_EQ(one.status, 0);
  EXPECT_THAT(one.output, testing::StartsWith("london: Online\nwarning: monitor sstp at "));
  EXPECT_THAT(one.output,
              ContainsRegex("sstp +127.0.0.1 +Online +20.* s ago +.* ms +status 401\n"));
  EXPECT_THAT(gslbctl({"endpoints"}).output, HasSubstr("warning: london: monitor sstp at "));
  EXPECT_EQ(boost::json::parse(gslbctl({"endpoints", "london", "--json"}).output)
                .at("endpoints")
                .as_array()
                .size(),
            1U);
  EXPECT_EQ(gslbctl({"endpoints", "mars"}).output,
            "gslbctl: there is no endpoint mars; see gslbctl endpoints\n");
}

}  // namespace
}  // namespace gslb::blackbox
