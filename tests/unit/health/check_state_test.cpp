#include "health/check_state.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace gslb::health {
namespace {

using base::EndpointStatus;
using namespace std::chrono_literals;

WallTime at(int second) { return WallTime{std::chrono::seconds(second)}; }

/// Feeds results, one a second from second 1: '+' is a success, '-' a failure.
CheckState after(std::string_view results, Thresholds thresholds) {
  CheckState state(thresholds, at(0));
  int second = 0;
  for (const char result : results) {
    ++second;
    if (result == '+') {
      state.record_success(at(second));
    } else {
      state.record_failure("failure " + std::to_string(second), at(second));
    }
  }
  return state;
}

struct StatusCase {
  const char* name;
  unsigned tolerated_failures;
  unsigned recoveries;
  std::string_view results;
  EndpointStatus expected;
};

void PrintTo(const StatusCase& row, std::ostream* out) { *out << row.name; }

class CheckStatus : public testing::TestWithParam<StatusCase> {};

TEST_P(CheckStatus, FollowsTheThresholds) {
  const auto& row = GetParam();
  const CheckState state = after(row.results, {row.tolerated_failures, row.recoveries, 10s});
  EXPECT_EQ(to_string(state.status()), to_string(row.expected));
}

constexpr auto kChecking = EndpointStatus::kCheckingEndpoint;
constexpr auto kOnline = EndpointStatus::kOnline;
constexpr auto kDegraded = EndpointStatus::kDegraded;

INSTANTIATE_TEST_SUITE_P(
    Table, CheckStatus,
    testing::Values(StatusCase{"NoResultYet", 3, 1, "", kChecking},
                    StatusCase{"FirstSuccessMakesOnline", 3, 1, "+", kOnline},
                    StatusCase{"FirstSuccessMakesOnlineWhateverRecoveries", 3, 5, "+", kOnline},
                    StatusCase{"ToleratedFailuresKeepOnline", 3, 1, "+---", kOnline},
                    StatusCase{"OneMoreDegrades", 3, 1, "+----", kDegraded},
                    StatusCase{"ToleratedFailuresKeepChecking", 3, 1, "---", kChecking},
                    StatusCase{"OneMoreDegradesFromChecking", 3, 1, "----", kDegraded},
                    StatusCase{"NoToleranceDegradesAtOnce", 0, 1, "+-", kDegraded},
                    StatusCase{"OnlyFailuresInARowCount", 1, 1, "+-+-+-+", kOnline},
                    StatusCase{"SuccessAmongFailuresFromChecking", 3, 1, "--+", kOnline},
                    StatusCase{"OneRecoveryIsEnough", 0, 1, "-+", kOnline},
                    StatusCase{"TwoOfThreeRecoveriesAreNot", 0, 3, "-++", kDegraded},
                    StatusCase{"ThreeOfThreeRecoveriesAre", 0, 3, "-+++", kOnline},
                    StatusCase{"RecoveriesCountInARow", 0, 3, "-++-++", kDegraded},
                    StatusCase{"RecoveryIsNotHurriedByTolerance", 3, 3, "+----++-+", kDegraded}),
    [](const auto& test) { return test.param.name; });

TEST(CheckState, KeepsTheReasonOfTheNewestFailure) {
  EXPECT_EQ(after("+--", {3, 1, 10s}).reason(), "failure 3");
}

TEST(CheckState, KeepsTheReasonUntilRecovered) {
  EXPECT_EQ(after("-+", {0, 2, 10s}).reason(), "failure 1");
  EXPECT_EQ(after("-++", {0, 2, 10s}).reason(), "");
}

TEST(CheckState, ForgetsTheReasonOfAFailureThatDidNotCount) {
  EXPECT_EQ(after("+-+", {3, 1, 10s}).reason(), "");
}

TEST(CheckState, KnowsSinceWhenItFails) {
  const CheckState state = after("+-+---", {1, 1, 10s});
  EXPECT_EQ(state.failing_since(), at(4));
  EXPECT_EQ(state.status_since(), at(5)) << "the second failure in a row degraded it";
  EXPECT_EQ(state.consecutive_failures(), 3U);
  EXPECT_EQ(state.consecutive_successes(), 0U);
}

TEST(CheckState, StatusTimeStaysWhileTheStatusDoes) {
  EXPECT_EQ(after("", {3, 1, 10s}).status_since(), at(0));
  EXPECT_EQ(after("-+++-", {3, 1, 10s}).status_since(), at(2));
}

struct DegradedInCase {
  const char* name;
  unsigned tolerated_failures;
  std::string_view results;
  std::optional<std::chrono::milliseconds> expected;
};

void PrintTo(const DegradedInCase& row, std::ostream* out) { *out << row.name; }

class CheckDegradedIn : public testing::TestWithParam<DegradedInCase> {};

TEST_P(CheckDegradedIn, CountsTheFailuresThatAreMissing) {
  const auto& row = GetParam();
  EXPECT_EQ(after(row.results, {row.tolerated_failures, 2, 10s}).degraded_in(), row.expected);
}

INSTANTIATE_TEST_SUITE_P(Table, CheckDegradedIn,
                         testing::Values(DegradedInCase{"NothingKnown", 3, "", std::nullopt},
                                         DegradedInCase{"Healthy", 3, "+", std::nullopt},
                                         DegradedInCase{"FirstFailure", 3, "+-", 30s},
                                         DegradedInCase{"FailingWhileChecking", 3, "-", 30s},
                                         DegradedInCase{"LastTolerated", 3, "+---", 10s},
                                         DegradedInCase{"Degraded", 3, "+----", std::nullopt},
                                         DegradedInCase{"Recovering", 3, "+----+", std::nullopt},
                                         DegradedInCase{"Recovered", 3, "+--+", std::nullopt}),
                         [](const auto& test) { return test.param.name; });

TEST(CheckState, NewThresholdsTakeEffectWithTheNextResult) {
  CheckState state = after("+---", {3, 1, 10s});
  state.set_thresholds({1, 1, 2s});
  EXPECT_EQ(state.status(), kOnline) << "editing a number must not take a site away";
  EXPECT_EQ(state.degraded_in(), 2s);
  state.record_failure("again", at(9));
  EXPECT_EQ(state.status(), kDegraded);
}

}  // namespace
}  // namespace gslb::health
