#include "health/verdict.h"

#include <gtest/gtest.h>

#include <vector>

namespace gslb::health {
namespace {

using base::EndpointStatus;
using namespace std::chrono_literals;

constexpr Verdict kOn{EndpointStatus::kOnline, std::nullopt};
constexpr Verdict kFailing{EndpointStatus::kOnline, std::chrono::milliseconds(10'000)};
constexpr Verdict kFailingLater{EndpointStatus::kOnline, std::chrono::milliseconds(20'000)};
constexpr Verdict kChecking{EndpointStatus::kCheckingEndpoint, std::nullopt};
constexpr Verdict kDown{EndpointStatus::kDegraded, std::nullopt};

struct Case {
  const char* title;
  std::vector<Verdict> checks;
  std::size_t required;
  EndpointStatus status;
  std::optional<std::chrono::milliseconds> degraded_in;
};

TEST(Verdict, SoManyOfTheChecksMustPass) {
  const auto kOnline = EndpointStatus::kOnline;
  const auto kDegraded = EndpointStatus::kDegraded;
  const auto kUnknown = EndpointStatus::kCheckingEndpoint;
  const Case rows[] = {
      {"all of all", {kOn, kOn}, 2, kOnline, {}},
      {"one of all is down", {kOn, kDown}, 2, kDegraded, {}},
      {"any of two", {kDown, kOn}, 1, kOnline, {}},
      {"none of any", {kDown, kDown}, 1, kDegraded, {}},
      {"two of three", {kDown, kOn, kOn}, 2, kOnline, {}},
      {"one of two needed", {kDown, kDown, kOn}, 2, kDegraded, {}},
      {"enough may still come", {kChecking, kOn, kDown}, 2, kUnknown, {}},
      {"enough are known", {kChecking, kOn}, 1, kOnline, {}},
      {"the soonest of all decides", {kFailingLater, kFailing}, 2, kOnline, 10s},
      {"the last of any decides", {kFailingLater, kFailing}, 1, kOnline, 20s},
      {"any holds while one does not fail", {kFailing, kOn}, 1, kOnline, {}},
      {"the one that is left decides", {kDown, kFailing}, 1, kOnline, 10s},
  };
  for (const Case& row : rows) {
    const Verdict verdict = combine(row.checks, row.required);
    EXPECT_EQ(verdict.status, row.status) << row.title;
    EXPECT_EQ(verdict.degraded_in, row.degraded_in) << row.title;
  }
}

TEST(Verdict, TheWorseOfTwoIsKeptWithTheSoonerChange) {
  EXPECT_EQ(worse({}, kOn).status, EndpointStatus::kOnline);
  EXPECT_EQ(worse(kOn, kChecking).status, EndpointStatus::kCheckingEndpoint);
  EXPECT_EQ(worse(kDown, kChecking).status, EndpointStatus::kDegraded);
  EXPECT_EQ(worse(kFailingLater, kFailing).degraded_in, 10s);
  EXPECT_EQ(worse(kOn, kFailing).degraded_in, 10s);
}

}  // namespace
}  // namespace gslb::health
