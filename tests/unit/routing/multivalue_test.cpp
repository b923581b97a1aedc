#include "routing/multivalue.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace gslb::routing {
namespace {

std::vector<base::IpAddress> addresses(unsigned count) {
  std::vector<base::IpAddress> result;
  for (unsigned i = 0; i < count; ++i) {
    result.push_back(base::IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(i)}));
  }
  return result;
}

TEST(Multivalue, EveryAddressStandsAtEveryPlaceEquallyOften) {
  for (const unsigned count : {1U, 2U, 3U, 5U, 12U}) {
    for (const unsigned wanted : {1U, 2U, 4U, 8U}) {
      const auto all = addresses(count);
      const auto answers = multivalue_answers(all, wanted);
      const std::size_t length = std::min(count, wanted);
      std::vector<std::map<base::IpAddress, unsigned>> at(length);
      for (const auto& answer : answers) {
        ASSERT_EQ(answer.size(), length);
        ASSERT_EQ(std::set(answer.begin(), answer.end()).size(), length) << "none twice";
        for (std::size_t i = 0; i < length; ++i) ++at[i][answer[i]];
      }
      for (const auto& place : at) {
        ASSERT_EQ(place.size(), count);
        for (const auto& [address, times] : place) EXPECT_EQ(times, answers.size() / count);
      }
    }
  }
}

TEST(Multivalue, NeighboursDiffer) {
  std::set<base::IpAddress> behind_first;
  for (const auto& answer : multivalue_answers(addresses(8), 2)) {
    if (answer[0] == addresses(1)[0]) behind_first.insert(answer[1]);
  }
  EXPECT_GT(behind_first.size(), 3U);
}

TEST(Multivalue, IsTheSameEachTime) {
  EXPECT_EQ(multivalue_answers(addresses(5), 3), multivalue_answers(addresses(5), 3));
}

}  // namespace
}  // namespace gslb::routing
