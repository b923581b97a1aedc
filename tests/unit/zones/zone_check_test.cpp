#include "zones/zone_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_snapshot.h"
#include "zones/master_file.h"

namespace gslb::zones {
namespace {

using support::name;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::seconds kTtl{300};

ZoneSpec zone_with(const std::string& text) {
  ZoneSpec spec = support::example_zone();
  auto file = std::make_shared<MasterFile>(parse_master_file(text, "test.zone", spec.apex, kTtl));
  for (const MasterFileError& error : file->errors) ADD_FAILURE() << error.to_string();
  spec.file = std::move(file);
  return spec;
}

/// "LINE: MESSAGE" for each problem; line 0 without a place in the file.
std::vector<std::string> problems(const std::string& text,
                                  const std::vector<ProfileName>& profiles = {}) {
  std::vector<std::string> lines;
  for (const ZoneProblem& problem : check_zone(zone_with(text), profiles)) {
    lines.push_back(std::to_string(problem.source ? problem.source->line : 0) + ": " +
                    problem.message);
  }
  return lines;
}

TEST(ZoneCheck, AZoneWithoutAFileIsFine) {
  EXPECT_THAT(check_zone(support::example_zone(), {}), IsEmpty());
}

TEST(ZoneCheck, TheFileMayRepeatTheConfiguration) {
  EXPECT_THAT(problems("@ SOA ns1 hostmaster 1 2 3 4 5\n"
                       "@ NS ns1\n"
                       "@ NS ns2\n"
                       "ns1 A 192.0.2.53\n"),
              IsEmpty());
}

TEST(ZoneCheck, EveryKindOfProblemIsNamedWithItsLine) {
  const struct {
    const char* title;
    const char* text;
    const char* problem;
  } rows[] = {
      {"out of zone", "www.example.org. A 192.0.2.1\n",
       "1: www.example.org lies outside the zone gslb.example.com; remove it, or end the name "
       "without a dot to place it inside"},
      {"SOA below the apex", "www SOA ns1 hostmaster 1 2 3 4 5\n",
       "1: an SOA belongs at the apex gslb.example.com only; remove it"},
      {"two SOAs", "@ SOA ns1 hostmaster 1 2 3 4 5\n@ SOA ns1 hostmaster 2 2 3 4 5\n",
       "1: more than one SOA; keep one"},
      {"another name server", "@ NS ns3\n",
       "1: ns3.gslb.example.com is not among the zone's nameservers in the configuration; add it "
       "there, or remove it here"},
      {"CNAME beside data", "www CNAME host\nwww TXT \"x\"\n",
       "1: CNAME at www.gslb.example.com beside other records; a CNAME must stand alone"},
      {"CNAME at the apex", "@ CNAME host\n",
       "1: CNAME at gslb.example.com beside other records; a CNAME must stand alone"},
      {"two CNAMEs", "www CNAME a\nwww CNAME b\n",
       "1: more than one CNAME at www.gslb.example.com; keep one"},
      {"a CNAME to itself", "www CNAME www\n",
       "1: the CNAME at www.gslb.example.com leads back to itself; break the circle"},
      {"two DNAMEs", "old DNAME a.example.\nold DNAME b.example.\n",
       "1: more than one DNAME at old.gslb.example.com; keep one"},
      {"data below a DNAME", "old DNAME a.example.\nwww.old A 192.0.2.1\n",
       "2: www.old.gslb.example.com is hidden by the DNAME at old.gslb.example.com; remove one"},
      {"a DNAME at a wildcard", "*.old DNAME a.example.\n",
       "1: a DNAME at a wildcard has no defined meaning; remove it"},
      {"missing glue", "child NS ns.child\n",
       "1: child.gslb.example.com is delegated to ns.child.gslb.example.com, which has no address "
       "here; add its A or AAAA record as glue"},
      {"data below a cut", "child NS ns.outside.example.\nwww.child TXT \"x\"\n",
       "2: www.child.gslb.example.com is hidden by the delegation of child.gslb.example.com; move "
       "it to that zone"},
      {"data at a cut", "child NS ns.outside.example.\nchild MX 10 mail.example.\n",
       "2: child.gslb.example.com is delegated, and only NS, DS and glue may stand here; move the "
       "record to that zone"},
      {"a delegation at a wildcard", "*.child NS ns.outside.example.\n",
       "1: a delegation at a wildcard has no defined meaning; remove it"},
      {"DS without a delegation",
       "child DS 1 13 2 "
       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
       "1: DS at child.gslb.example.com without a delegation; add its NS records, or remove it"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    EXPECT_THAT(problems(row.text), ElementsAre(row.problem));
  }
}

TEST(ZoneCheck, ACircleOfCnamesIsFoundAtEachOfThem) {
  EXPECT_THAT(
      problems("a CNAME b\nb CNAME c\nc CNAME a\nto CNAME a\n"),
      ElementsAre("1: the CNAME at a.gslb.example.com leads back to itself; break the circle",
                  "2: the CNAME at b.gslb.example.com leads back to itself; break the circle",
                  "3: the CNAME at c.gslb.example.com leads back to itself; break the circle"));
}

TEST(ZoneCheck, AProfileSharesItsNameOnlyWithWhatItDoesNotAnswer) {
  const std::vector<ProfileName> profile = {{name("vpn.gslb.example.com"), 0}};
  EXPECT_THAT(problems("vpn TXT \"fine\"\nvpn CAA 0 issue \"ca.example\"\n", profile), IsEmpty());
  EXPECT_THAT(
      problems("vpn A 192.0.2.1\n", profile),
      ElementsAre(
          "1: vpn.gslb.example.com is answered by a profile and has an A record here; remove one"));
  EXPECT_THAT(
      problems("vpn CNAME host\n", profile),
      ElementsAre(
          "1: vpn.gslb.example.com is answered by a profile and has a CNAME here; remove one"));
}

TEST(ZoneCheck, AProfileMustNotBeHidden) {
  const std::vector<ProfileName> profile = {{name("vpn.child.gslb.example.com"), 0}};
  EXPECT_THAT(problems("child NS ns.outside.example.\n", profile),
              ElementsAre("1: the delegation of child.gslb.example.com hides the profile name "
                          "vpn.child.gslb.example.com; remove one"));
  EXPECT_THAT(problems("child DNAME outside.example.\n", profile),
              ElementsAre("1: vpn.child.gslb.example.com is hidden by the DNAME at "
                          "child.gslb.example.com; remove one"));
}

TEST(ZoneCheck, AllProblemsComeInTheOrderOfTheFile) {
  const std::vector<std::string> found = problems(
      "www.example.org. A 192.0.2.1\n"
      "child NS ns.child\n"
      "www CNAME host\n"
      "www TXT \"x\"\n"
      "@ NS ns9\n");
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].substr(0, 2), "1:");
  EXPECT_EQ(found[1].substr(0, 2), "2:");
  EXPECT_EQ(found[2].substr(0, 2), "3:");
  EXPECT_EQ(found[3].substr(0, 2), "5:");
}

}  // namespace
}  // namespace gslb::zones
