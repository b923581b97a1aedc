#include "routing/client_moves.h"

#include <gtest/gtest.h>

#include "routing/geo_database.h"

namespace gslb::routing {
namespace {

base::IpAddress ip(std::string_view text) { return *base::parse_ip_address(text); }

/// Two sites, and clients of whom three quarters are in GB.
class ClientMovesTest : public testing::Test {
 protected:
  ClientMovesTest() {
    endpoints_[0].name = "london";
    endpoints_[0].ipv4 = {ip("203.0.113.10")};
    endpoints_[1].name = "paris";
    endpoints_[1].ipv4 = {ip("203.0.113.20")};
    states_.assign(2, {base::EndpointStatus::kOnline, base::EndpointStatus::kOnline});
    const std::vector<ConfiguredLocation> places{{{ip("10.0.0.0"), 17}, "GB", std::nullopt},
                                                 {{ip("10.0.128.0"), 18}, "GB", std::nullopt},
                                                 {{ip("10.0.192.0"), 18}, "FR", std::nullopt}};
    places_ = make_location_map(nullptr, places);
    profile_.name = "vpn";
    profile_.endpoints.resize(2);
    profile_.endpoints[1].endpoint = 1;
  }

  ClientMoves moves(const ProfileSpec& before, const ProfileSpec& after) const {
    const RoutingState old_state{{&before, 1}, endpoints_, states_, {}, places_.get()};
    const RoutingState new_state{{&after, 1}, endpoints_, states_, {}, places_.get()};
    const LatencyMap none;
    const RoutedProfile was{&old_state, 0, &none}, is{&new_state, 0, &none};
    return compare_profiles(was, is, Family::kIpv4, client_groups(was, is, Family::kIpv4));
  }

  std::vector<EndpointSpec> endpoints_{2};
  std::vector<EndpointState> states_;
  std::shared_ptr<const LocationMap> places_;
  ProfileSpec profile_;
};

TEST_F(ClientMovesTest, CountsClientsByTheirAddresses) {
  ProfileSpec before = profile_;
  before.method = Method::kGeographic;
  before.endpoints[0].regions = {"GB"};
  before.endpoints[1].regions = {"FR"};
  ProfileSpec after = before;
  after.endpoints[0].regions = {"WORLD"};
  EXPECT_EQ(moves(before, after).moved, 0);
  after.endpoints[0].regions = {"GEO-AS"};
  after.endpoints[1].regions = {"WORLD"};
  const ClientMoves moved = moves(before, after);
  EXPECT_NEAR(moved.moved, 0.75, 1e-9);
  EXPECT_NEAR(moved.from_to.at({"london", "paris"}), 0.75, 1e-9);
}

TEST_F(ClientMovesTest, AnswersThatGoAwayAreMoves) {
  ProfileSpec before = profile_;
  before.method = Method::kGeographic;
  before.endpoints[0].regions = {"GB"};
  before.endpoints[1].regions = {"FR"};
  ProfileSpec after = before;
  after.endpoints[1].regions = {"DE"};
  EXPECT_NEAR(moves(before, after).from_to.at({"paris", ""}), 0.25, 1e-9);
}

TEST_F(ClientMovesTest, SharesMoveAsLittleAsTheyMust) {
  ProfileSpec before = profile_;
  before.method = Method::kWeighted;
  ProfileSpec after = before;
  after.endpoints[1].weight = 3;
  EXPECT_NEAR(moves(before, after).moved, 0.25, 1e-6);
  before.sticky = after.sticky = Sticky{};
  EXPECT_NEAR(moves(before, after).moved, 0.25, 1e-6);
}

TEST_F(ClientMovesTest, SubnetsCutTheGroups) {
  ProfileSpec before = profile_;
  before.method = Method::kPriority;
  before.endpoints[1].priority = 2;
  ProfileSpec after = before;
  after.endpoints[1].subnets = {base::to_range({ip("10.0.0.0"), 20})};
  EXPECT_NEAR(moves(before, after).moved, 1.0 / 16, 1e-9);
}

}  // namespace
}  // namespace gslb::routing
