// What a change of health costs in signatures: tests/bench/signing_bench.cpp tells it in time.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/test_snapshot.h"

namespace gslb::zones {
namespace {

using base::EndpointStatus;
using routing::Method;

constexpr std::uint32_t kEndpoints = 1000;

/// A signed zone with one profile, all endpoints of which are in use.
class SignedProfile {
 public:
  explicit SignedProfile(Method method) {
    maker_.zone().signing = support::make_signing(maker_.zone().apex, maker_.signing_time().now);
    std::vector<routing::ProfileEndpointSpec> entries;
    for (std::uint32_t i = 0; i < kEndpoints; ++i) {
      const std::string address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
      entries.push_back({maker_.endpoint("site" + std::to_string(i), {address}), 1, i + 1});
    }
    maker_.profile("vpn.gslb.example.com", method, entries);
    compile();
  }

  /// Returns how many signatures were made for it.
  std::size_t compile() {
    const std::size_t before = signatures();
    snapshot_ = maker_.snapshot();
    return signatures() - before;
  }

  std::size_t signatures() { return maker_.signing_time().cache->size(); }

  /// The signed answer at the profile's name that its tree has in this place.
  const std::vector<std::uint8_t>& records(std::size_t outcome) const {
    return snapshot_->profiles.at(0)->a.rendered.at(outcome).for_client(true).records;
  }

  void set_first_site(EndpointStatus status) { maker_.set_status(0, status); }

 private:
  support::SnapshotMaker maker_;
  std::shared_ptr<const Snapshot> snapshot_;
};

TEST(Resigning, ASiteThatFailsAndComesBackCostsNone) {
  SignedProfile profile(Method::kWeighted);
  EXPECT_GT(profile.signatures(), kEndpoints);
  const std::vector<std::uint8_t> second = profile.records(1);

  profile.set_first_site(EndpointStatus::kDegraded);
  EXPECT_EQ(profile.compile(), 0U);
  // No two ECDSA signatures are equal, so this one was not made again.
  EXPECT_EQ(profile.records(0), second);

  profile.set_first_site(EndpointStatus::kOnline);
  EXPECT_EQ(profile.compile(), 0U);
  EXPECT_EQ(profile.records(1), second);
}

TEST(Resigning, ASiteThatIsServedForTheFirstTimeCostsOne) {
  SignedProfile profile(Method::kPriority);
  profile.set_first_site(EndpointStatus::kDegraded);
  EXPECT_EQ(profile.compile(), 1U);
  profile.set_first_site(EndpointStatus::kOnline);
  EXPECT_EQ(profile.compile(), 0U);
  profile.set_first_site(EndpointStatus::kDegraded);
  EXPECT_EQ(profile.compile(), 0U);
}

}  // namespace
}  // namespace gslb::zones
