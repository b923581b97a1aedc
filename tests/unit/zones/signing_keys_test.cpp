#include "zones/signing_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace gslb::zones {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Keys = std::vector<std::shared_ptr<const DnssecKey>>;
using Time = std::chrono::sys_seconds;

constexpr Time kNow{1'800'000'000s};
constexpr Time kPast = kNow - 1h;
constexpr Time kFuture = kNow + 1h;
constexpr auto kP256 = KeyAlgorithm::kEcdsaP256Sha256;
constexpr auto kEd = KeyAlgorithm::kEd25519;

const KeyTiming kActive{.publish = kPast, .activate = kPast, .sync_publish = kPast};
const KeyTiming kAhead{.publish = kPast, .activate = kFuture, .sync_publish = kFuture};
const KeyTiming kRetired{.publish = kPast, .activate = kPast, .inactive = kNow};

class SigningKeysTest : public testing::Test {
 protected:
  void add(const std::string& label, KeyAlgorithm algorithm, bool sep, const KeyTiming& timing) {
    const auto key = DnssecKey::make(dns::parse_name("example.com").value(), sep ? 257 : 256,
                                     algorithm, make_private_key(algorithm), timing)
                         .value();
    labels_[key.get()] = label;
    keys_.push_back(key);
  }

  std::vector<std::string> labels(const Keys& keys) const {
    std::vector<std::string> out;
    for (const auto& key : keys) out.push_back(labels_.at(key.get()));
    return out;
  }

  std::vector<std::string> key_signing() const { return labels(now().key_signing); }
  std::vector<std::string> zone_signing() const { return labels(now().zone_signing); }
  std::vector<std::string> published() const { return labels(now().published); }
  std::vector<std::string> sync() const { return labels(now().sync); }
  SigningKeys now() const { return signing_keys(keys_, kNow); }

  Keys keys_;
  std::map<const DnssecKey*, std::string> labels_;
};

TEST_F(SigningKeysTest, ACombinedKeySignsEverything) {
  add("csk", kP256, true, kActive);
  EXPECT_THAT(key_signing(), ElementsAre("csk"));
  EXPECT_THAT(zone_signing(), ElementsAre("csk"));
  EXPECT_THAT(published(), ElementsAre("csk"));
  EXPECT_THAT(sync(), ElementsAre("csk"));
}

TEST_F(SigningKeysTest, KskAndZskShareTheWork) {
  add("zsk", kP256, false, kActive);
  add("ksk", kP256, true, kActive);
  EXPECT_THAT(key_signing(), ElementsAre("ksk"));
  EXPECT_THAT(zone_signing(), ElementsAre("zsk"));
  EXPECT_THAT(published(), ElementsAre("zsk", "ksk"));
  EXPECT_THAT(sync(), ElementsAre("ksk"));
}

TEST_F(SigningKeysTest, AKeyWithoutSepAndWithoutPartnerSignsEverything) {
  add("zsk", kEd, false, kActive);
  EXPECT_THAT(key_signing(), ElementsAre("zsk"));
  EXPECT_THAT(zone_signing(), ElementsAre("zsk"));
  EXPECT_THAT(sync(), ElementsAre("zsk"));
}

TEST_F(SigningKeysTest, APartnerThatIsNotActiveIsNone) {
  add("csk", kP256, true, kActive);
  add("next zsk", kP256, false, kAhead);
  add("last zsk", kP256, false, kRetired);
  EXPECT_THAT(key_signing(), ElementsAre("csk"));
  EXPECT_THAT(zone_signing(), ElementsAre("csk"));
  EXPECT_THAT(published(), ElementsAre("csk", "next zsk", "last zsk"));
}

TEST_F(SigningKeysTest, EachAlgorithmIsByItself) {
  add("ksk 13", kP256, true, kActive);
  add("zsk 13", kP256, false, kActive);
  add("csk 15", kEd, true, kActive);
  EXPECT_THAT(key_signing(), ElementsAre("ksk 13", "csk 15"));
  EXPECT_THAT(zone_signing(), ElementsAre("zsk 13", "csk 15"));
}

TEST_F(SigningKeysTest, BothKeysSignDuringARollover) {
  add("old", kP256, true, kActive);
  add("new", kP256, true, kActive);
  EXPECT_THAT(key_signing(), ElementsAre("old", "new"));
  EXPECT_THAT(zone_signing(), ElementsAre("old", "new"));
}

TEST_F(SigningKeysTest, CdsHoldsNothingWithoutSyncPublish) {
  add("csk", kP256, true, {.publish = kPast, .activate = kPast});
  EXPECT_THAT(sync(), IsEmpty());
}

TEST_F(SigningKeysTest, AStandbyKeyMayBeInCds) {
  add("csk", kP256, true, kActive);
  add("standby", kP256, true, {.publish = kPast, .sync_publish = kPast});
  EXPECT_THAT(sync(), ElementsAre("csk", "standby"));
}

TEST_F(SigningKeysTest, NothingIsWrongWithActiveKeys) {
  add("13", kP256, true, kActive);
  add("15", kEd, true, kActive);
  EXPECT_THAT(find_key_problems(keys_, kNow), IsEmpty());
  EXPECT_FALSE(find_future_key_problem(keys_, kNow));
}

TEST_F(SigningKeysTest, OneKeyMustBeActive) {
  add("ahead", kP256, true, kAhead);
  EXPECT_THAT(find_key_problems(keys_, kNow), ElementsAre(HasSubstr("no key is active")));
  EXPECT_THAT(find_key_problems({}, kNow), ElementsAre(HasSubstr("no key is active")));
}

TEST_F(SigningKeysTest, EveryAlgorithmThatIsPublishedMustSign) {
  add("13", kP256, true, kActive);
  add("15", kEd, true, kAhead);
  EXPECT_THAT(find_key_problems(keys_, kNow),
              ElementsAre(HasSubstr("keys of ED25519 are published but none is active")));
}

TEST_F(SigningKeysTest, AKeySigningKeyMustNotRetireAlone) {
  add("zsk", kP256, false, kActive);
  add("next ksk", kP256, true, kAhead);
  EXPECT_THAT(find_key_problems(keys_, kNow), IsEmpty());
  add("last ksk", kP256, true, kRetired);
  EXPECT_THAT(find_key_problems(keys_, kNow),
              ElementsAre(HasSubstr("key-signing keys of ECDSAP256SHA256 are published but no "
                                    "longer active")));
  add("ksk", kP256, true, kActive);
  EXPECT_THAT(find_key_problems(keys_, kNow), IsEmpty());
}

TEST_F(SigningKeysTest, AnEndWithoutASuccessorIsForeseen) {
  add("13", kP256, true, {.publish = kPast, .activate = kPast, .inactive = kFuture});
  const auto problem = find_future_key_problem(keys_, kNow);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->from, kFuture);
  EXPECT_THAT(problem->message, HasSubstr("no key is active"));
  add("successor", kP256, true, kAhead);
  EXPECT_FALSE(find_future_key_problem(keys_, kNow));
}

TEST_F(SigningKeysTest, TheNextChangeIsTheEarliestOfAll) {
  add("a", kP256, true, {.publish = kPast, .activate = kPast, .inactive = kNow + 30s});
  add("b", kEd, true, {.publish = kNow + 20s});
  EXPECT_EQ(next_key_change(keys_, kNow), kNow + 20s);
  EXPECT_EQ(next_key_change(keys_, kNow + 20s), kNow + 30s);
  EXPECT_EQ(next_key_change(keys_, kNow + 30s), std::nullopt);
}

}  // namespace
}  // namespace gslb::zones
