#include "routing/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace gslb::routing {
namespace {

using base::EndpointStatus;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr EndpointId kLondon = 0, kParis = 1, kNewYork = 2;

base::IpAddress v4(std::uint8_t last) { return base::IpAddress::v4({203, 0, 113, last}); }
base::IpAddress v6(std::uint8_t last) {
  return base::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
}

/// Three sites; only New York has IPv6.
class CompileTest : public testing::Test {
 protected:
  CompileTest()
      : endpoints_{{.name = "london", .ipv4 = {v4(10)}},
                   {.name = "paris", .ipv4 = {v4(20)}},
                   {.name = "newyork", .ipv4 = {v4(30)}, .ipv6 = {v6(30)}}},
        states_(3, EndpointState{EndpointStatus::kOnline, EndpointStatus::kOnline}) {
    profile_.method = Method::kPriority;
    profile_.endpoints = {{kLondon, 70, 1}, {kParis, 20, 2}, {kNewYork, 10, 3}};
  }

  void set_status(EndpointId id, EndpointStatus status) {
    states_[id].ipv4 = status;
    states_[id].ipv6 = status;
  }

  RoutingState routing_state() const { return {{&profile_, 1}, endpoints_, states_, {}, nullptr}; }

  DecisionTree tree(Family family = Family::kIpv4) const {
    const RoutingState state = routing_state();
    Judge judge(state);
    return compile(0, state, judge, family);
  }

  /// The endpoints that can be answered, or the one kind of outcome that is no answer.
  std::set<EndpointId> answered(Family family = Family::kIpv4) const {
    std::set<EndpointId> ids;
    const DecisionTree compiled = tree(family);
    for (const Outcome& outcome : compiled.outcomes()) {
      EXPECT_EQ(outcome.kind, Outcome::Kind::kAnswer);
      ids.insert(outcome.endpoint);
    }
    return ids;
  }

  Outcome::Kind kind(Family family = Family::kIpv4) const {
    const DecisionTree compiled = tree(family);
    EXPECT_EQ(compiled.outcomes().size(), 1U);
    return compiled.outcomes()[0].kind;
  }

  seconds first_ttl() const {
    const DecisionTree compiled = tree();
    return compiled.outcomes()[0].ttl;
  }

  std::map<EndpointId, double> shares(int walks = 100'000) const {
    const DecisionTree compiled = tree();
    Rng rng(1);
    const base::IpAddress client;
    const LocationMap locations;
    const LatencyMap latency;
    std::map<EndpointId, double> result;
    for (int i = 0; i < walks; ++i) {
      Asker asker(client, locations, latency, rng);
      result[compiled.outcomes()[compiled.walk(asker)].endpoint] += 1.0 / walks;
    }
    return result;
  }

  std::vector<EndpointSpec> endpoints_;
  std::vector<EndpointState> states_;
  ProfileSpec profile_;
};

TEST_F(CompileTest, PriorityAnswersTheLowestNumber) {
  EXPECT_THAT(answered(), ElementsAre(kLondon));
}

TEST_F(CompileTest, PriorityFallsToTheNextAvailable) {
  set_status(kLondon, EndpointStatus::kDegraded);
  EXPECT_THAT(answered(), ElementsAre(kParis));
  set_status(kParis, EndpointStatus::kDegraded);
  EXPECT_THAT(answered(), ElementsAre(kNewYork));
}

TEST_F(CompileTest, PriorityGoesByTheNumberNotByTheOrder) {
  profile_.endpoints = {{kLondon, 1, 30}, {kParis, 1, 20}, {kNewYork, 1, 10}};
  EXPECT_THAT(answered(), ElementsAre(kNewYork));
}

TEST_F(CompileTest, EqualPrioritiesShareByWeight) {
  profile_.endpoints = {{kLondon, 30, 1}, {kParis, 10, 1}, {kNewYork, 99, 2}};
  EXPECT_THAT(answered(), UnorderedElementsAre(kLondon, kParis));
  EXPECT_NEAR(shares()[kLondon], 0.75, 0.01);
}

TEST_F(CompileTest, WeightedSharesByWeight) {
  profile_.method = Method::kWeighted;
  auto seen = shares();
  EXPECT_NEAR(seen[kLondon], 0.70, 0.01);
  EXPECT_NEAR(seen[kParis], 0.20, 0.01);
  EXPECT_NEAR(seen[kNewYork], 0.10, 0.01);
}

TEST_F(CompileTest, WeightedSharesTheRestWhenOneIsDown) {
  profile_.method = Method::kWeighted;
  set_status(kLondon, EndpointStatus::kDegraded);
  auto seen = shares();
  EXPECT_EQ(seen.count(kLondon), 0U);
  EXPECT_NEAR(seen[kParis], 2.0 / 3, 0.01);
}

TEST_F(CompileTest, OnlySomeStatusesTakeClients) {
  const std::pair<EndpointStatus, bool> rows[] = {
      {EndpointStatus::kOnline, true},      {EndpointStatus::kCheckingEndpoint, true},
      {EndpointStatus::kUnmonitored, true}, {EndpointStatus::kDegraded, false},
      {EndpointStatus::kDisabled, false},   {EndpointStatus::kStopped, false},
      {EndpointStatus::kInactive, false}};
  for (const auto& [status, available] : rows) {
    SCOPED_TRACE(base::to_string(status));
    set_status(kLondon, status);
    EXPECT_THAT(answered(), ElementsAre(available ? kLondon : kParis));
  }
}

TEST_F(CompileTest, WeightZeroTakesNoClients) {
  profile_.endpoints[0].weight = 0;
  EXPECT_THAT(answered(), ElementsAre(kParis));
}

TEST_F(CompileTest, DisabledEntriesAndEndpointsAreLeftOut) {
  profile_.endpoints[0].enabled = false;
  endpoints_[kParis].enabled = false;
  EXPECT_THAT(answered(), ElementsAre(kNewYork));
}

TEST_F(CompileTest, AlwaysServeOverridesHealthButNotTheAdministrator) {
  set_status(kLondon, EndpointStatus::kDegraded);
  profile_.endpoints[0].always_serve = true;
  EXPECT_THAT(answered(), ElementsAre(kLondon));
  endpoints_[kLondon].enabled = false;
  EXPECT_THAT(answered(), ElementsAre(kParis));
}

TEST_F(CompileTest, TheFamilyIsLookedAtFirst) {
  EXPECT_THAT(answered(Family::kIpv6), ElementsAre(kNewYork));
  profile_.endpoints.pop_back();
  EXPECT_EQ(kind(Family::kIpv6), Outcome::Kind::kNoData);
}

TEST_F(CompileTest, AFamilyThatIsDownLeavesTheOther) {
  profile_.endpoints = {{kNewYork, 1, 1}, {kLondon, 1, 2}};
  states_[kNewYork].ipv6 = EndpointStatus::kDegraded;
  profile_.when_all_down = AllDown::kNoData;
  EXPECT_THAT(answered(Family::kIpv4), ElementsAre(kNewYork));
  EXPECT_EQ(kind(Family::kIpv6), Outcome::Kind::kUnavailable);
}

TEST_F(CompileTest, WhenAllAreDownTheProfileDecides) {
  for (EndpointId id = 0; id < 3; ++id) set_status(id, EndpointStatus::kDegraded);
  EXPECT_THAT(answered(), ElementsAre(kLondon)) << "serve-all: as if all were up";
  profile_.when_all_down = AllDown::kNoData;
  EXPECT_EQ(kind(), Outcome::Kind::kUnavailable);
  profile_.when_all_down = AllDown::kServFail;
  EXPECT_EQ(kind(), Outcome::Kind::kServFail);
}

TEST_F(CompileTest, ServeAllLeavesOutWhatTheAdministratorTookOut) {
  for (EndpointId id = 0; id < 3; ++id) set_status(id, EndpointStatus::kDegraded);
  profile_.endpoints[0].weight = 0;
  profile_.endpoints[1].enabled = false;
  EXPECT_THAT(answered(), ElementsAre(kNewYork));
  endpoints_[kNewYork].enabled = false;
  EXPECT_EQ(kind(), Outcome::Kind::kUnavailable);
}

TEST_F(CompileTest, AProfileWithIpv4OnlyHasNoAaaaWhateverIsDown) {
  profile_.endpoints = {{kLondon, 1, 1}, {kParis, 1, 2}};
  profile_.endpoints[0].enabled = false;
  profile_.when_all_down = AllDown::kServFail;
  set_status(kParis, EndpointStatus::kDegraded);
  EXPECT_EQ(kind(Family::kIpv6), Outcome::Kind::kNoData);
  EXPECT_EQ(kind(Family::kIpv4), Outcome::Kind::kServFail);
}

TEST_F(CompileTest, ADisabledProfileHasNoData) {
  profile_.enabled = false;
  EXPECT_EQ(kind(), Outcome::Kind::kDisabled);
}

TEST_F(CompileTest, TheTtlEndsBeforeTheVerdict) {
  const std::pair<std::chrono::milliseconds, seconds> rows[] = {
      {std::chrono::milliseconds{20'900}, seconds{20}},
      {std::chrono::milliseconds{90'000}, seconds{30}},
      {std::chrono::milliseconds{200}, seconds{1}}};
  for (const auto& [degraded_in, ttl] : rows) {
    states_[kLondon].degraded_in = degraded_in;
    EXPECT_EQ(first_ttl(), ttl);
  }
  states_[kLondon].degraded_in.reset();
  EXPECT_EQ(first_ttl(), profile_.ttl);
  profile_.ttl = seconds{0};
  states_[kLondon].degraded_in = seconds{20};
  EXPECT_EQ(first_ttl(), seconds{0}) << "never above the configured one";
}

TEST_F(CompileTest, EveryEntryGetsItsVerdict) {
  set_status(kParis, EndpointStatus::kDegraded);
  profile_.endpoints[2].weight = 0;
  const RoutingState state = routing_state();
  Judge judge(state);
  EXPECT_THAT(judge.verdicts(0, Family::kIpv4),
              ElementsAre(Verdict::kAvailable, Verdict::kUnhealthy, Verdict::kNoWeight));
  EXPECT_THAT(judge.verdicts(0, Family::kIpv6),
              ElementsAre(Verdict::kNoAddress, Verdict::kNoAddress, Verdict::kNoWeight));
}

}  // namespace
}  // namespace gslb::routing
