#include "zones/signer.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/test_snapshot.h"

namespace gslb::zones {
namespace {

using std::chrono::hours;
using std::chrono::sys_seconds;
using support::name;

constexpr sys_seconds kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24};
constexpr std::chrono::seconds kValidity = hours{240};

struct Times {
  sys_seconds expiration, inception;
};

Times times_of(const Rdata& rrsig) {
  const auto at = [&](std::size_t offset) {
    return sys_seconds{std::chrono::seconds{dns::load_u32(&rrsig[offset])}};
  };
  return {at(8), at(12)};
}

class SignerTest : public testing::Test {
 protected:
  static std::shared_ptr<const DnssecKey> make_key() {
    return *DnssecKey::make(name("example"), 257, KeyAlgorithm::kEd25519,
                            make_private_key(KeyAlgorithm::kEd25519), KeyTiming{});
  }

  Rdata sign(sys_seconds now, const std::string& owner = "a.example", std::uint8_t address = 1,
             std::chrono::seconds ttl = std::chrono::seconds{30}) const {
    const Signer signer(name("example"), {{key_}, {key_}, {key_}, {}}, kValidity, {cache_, now});
    const RRsetData rrset{ttl, {{192, 0, 2, address}}, std::nullopt, std::nullopt};
    const std::vector<Rdata> rrsigs = signer.sign(name(owner), dns::type::kA, rrset);
    EXPECT_EQ(rrsigs.size(), 1U);
    return rrsigs.at(0);
  }

  std::shared_ptr<const DnssecKey> key_ = make_key();
  std::shared_ptr<SignatureCache> cache_ = std::make_shared<SignatureCache>();
};

TEST_F(SignerTest, HoldsFromAnHourAgoUntilTheValidityEndsLessAFifthAtMost) {
  std::set<sys_seconds> expirations;
  for (std::uint8_t i = 0; i < 100; ++i) {
    const Times times = times_of(sign(kNow, "a.example", i));
    EXPECT_EQ(times.inception, kNow - hours{1});
    EXPECT_LE(times.expiration, kNow + kValidity);
    EXPECT_GE(times.expiration, kNow + kValidity * 4 / 5);
    expirations.insert(times.expiration);
  }
  EXPECT_GT(expirations.size(), 50U);
}

TEST_F(SignerTest, WhatStaysTheSameIsSignedOnce) {
  const Rdata first = sign(kNow);
  EXPECT_EQ(sign(kNow + hours{100}), first);
  EXPECT_EQ(sign(kNow, "A.EXAMPLE"), first);
  EXPECT_EQ(cache_->size(), 1U);
  EXPECT_NE(sign(kNow, "b.example"), first);
  EXPECT_NE(sign(kNow, "a.example", 2), first);
  EXPECT_NE(sign(kNow, "a.example", 1, std::chrono::seconds{31}), first);
  EXPECT_EQ(cache_->size(), 4U);
}

TEST_F(SignerTest, IsMadeAnewWhenAQuarterIsLeftAndNeverEndsBefore) {
  Times times = times_of(sign(kNow));
  int renewals = 0;
  for (sys_seconds now = kNow; now < kNow + kValidity * 10; now += hours{1}) {
    const Times seen = times_of(sign(now));
    EXPECT_GT(seen.expiration - now, kValidity / 5);
    if (seen.expiration != times.expiration) ++renewals;
    times = seen;
  }
  EXPECT_GE(renewals, 12);
  EXPECT_LE(renewals, 20);
}

TEST_F(SignerTest, TheCacheTellsWhenSomethingIsDueAndForgetsWhatIsNotServed) {
  sign(kNow, "a.example", 1);
  sign(kNow, "a.example", 2);
  EXPECT_FALSE(cache_->is_due(kNow + kValidity / 2));
  const sys_seconds later = kNow + kValidity * 3 / 4;
  EXPECT_TRUE(cache_->is_due(later));
  sign(later, "a.example", 1);
  EXPECT_TRUE(cache_->is_due(later));  // The other one.
  cache_->drop_due(later);
  EXPECT_FALSE(cache_->is_due(later));
  EXPECT_EQ(cache_->size(), 1U);
}

TEST_F(SignerTest, AClockThatIsSetBackMakesSignaturesDue) {
  sign(kNow);
  EXPECT_FALSE(cache_->is_due(kNow - hours{1}));
  EXPECT_TRUE(cache_->is_due(kNow - hours{2}));
  EXPECT_EQ(times_of(sign(kNow - hours{2})).inception, kNow - hours{3});
}

TEST_F(SignerTest, AnotherKeyMakesAnotherSignature) {
  const Rdata first = sign(kNow);
  key_ = make_key();
  EXPECT_NE(sign(kNow), first);
}

TEST_F(SignerTest, CountsLabelsWithoutRootAndWildcard) {
  EXPECT_EQ(sign(kNow, "a.b.example")[3], 3);
  EXPECT_EQ(sign(kNow, "*.b.example")[3], 2);
  EXPECT_EQ(sign(kNow, "example")[3], 1);
}

}  // namespace
}  // namespace gslb::zones
