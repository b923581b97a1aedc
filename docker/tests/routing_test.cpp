// Who is sent where, while everything works.

#include <algorithm>
#include <map>
#include <utility>

#include "docker/tests/estate.h"

namespace gslb::docker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Lines = std::vector<std::string>;

class Routing : public Scenario {
 protected:
  /// How often each address is answered in so many queries.
  std::map<std::string, int> count(const std::string& name, int queries,
                                   const std::string& server) {
    // dig reads its queries from a file and asks one after the other.
    const std::string script = "yes '@" + server + " " + name + " +short' | head -n " +
                               std::to_string(queries) + " > /tmp/queries; dig -f /tmp/queries";
    std::map<std::string, int> counts;
    std::string address;
    for (const char c : estate_.run("client-london", {"sh", "-c", script})) {
      if (c == '\n') {
        ++counts[std::exchange(address, {})];
      } else {
        address += c;
      }
    }
    return counts;
  }
};

TEST_F(Routing, EachMethodSendsEachRegionWhereItShould) {
  const struct {
    const char* name;
    const char* london;
    const char* newyork;
    const char* singapore;
  } rows[] = {
      {"priority", kLondon, kLondon, kLondon},
      {"vpn", kLondon, kNewYork, kSingapore},
      {"geographic", kLondon, kNewYork, kSingapore},
      {"subnet", kSingapore, kNewYork, kLondon},
  };
  for (const auto& row : rows) {
    const std::string name = std::string(row.name) + ".gslb.example.com";
    // By the resolver's client subnet, and by the client's own address.
    for (const char* server : {kResolver, kNs1, kNs2}) {
      SCOPED_TRACE(name + " @" + server);
      EXPECT_THAT(estate_.dig("client-london", name, server), ElementsAre(row.london));
      EXPECT_THAT(estate_.dig("client-newyork", name, server), ElementsAre(row.newyork));
      EXPECT_THAT(estate_.dig("client-singapore", name, server), ElementsAre(row.singapore));
    }
  }
}

TEST_F(Routing, WeightedDrawsByWeight) {
  const auto counts = count("weighted.gslb.example.com", 1000, kNs1);
  // Within five standard deviations of 700, 200 and 100.
  EXPECT_NEAR(counts.at(kLondon), 700, 73);
  EXPECT_NEAR(counts.at(kNewYork), 200, 64);
  EXPECT_NEAR(counts.at(kSingapore), 100, 48);
}

TEST_F(Routing, MultivalueAnswersTwoOfThree) {
  for (int i = 0; i < 10; ++i) {
    const Lines addresses = estate_.dig("client-london", "multivalue.gslb.example.com", kNs2);
    ASSERT_EQ(addresses.size(), 2U);
    for (const std::string& address : addresses) {
      EXPECT_THAT((Lines{kLondon, kNewYork, kSingapore}), testing::Contains(address));
    }
  }
}

TEST_F(Routing, TheWholeChainIsValidated) {
  const std::string answer =
      estate_.run("client-newyork", {"dig", "+dnssec", std::string("@") + kResolver, kVpn});
  EXPECT_THAT(answer, testing::ContainsRegex("flags:[^;]* ad[ ;]"));
  EXPECT_THAT(answer,
              testing::ContainsRegex("vpn.example.com.[\t 0-9]+IN\tCNAME\tvpn.gslb.example.com."));
  EXPECT_THAT(answer, testing::ContainsRegex("vpn.gslb.example.com.[\t 0-9]+IN\tA\t198.18.2.10"));
  EXPECT_THAT(answer, HasSubstr("RRSIG\tA 13"));
  // Names that are not there are denied with a proof, too.
  EXPECT_THAT(estate_.run("client-newyork",
                          {"dig", "+dnssec", std::string("@") + kResolver, "no.gslb.example.com"}),
              testing::ContainsRegex("status: NXDOMAIN[^$]*flags:[^;]* ad[ ;]"));
}

TEST_F(Routing, WeightsChangedInTheFileOfARunningContainerTakeEffectLive) {
  const std::string before = estate_.config();
  std::string after = before;
  const auto set_weight = [&](const std::string& from, const std::string& to) {
    const std::size_t at = after.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    after.replace(at, from.size(), to);
  };
  set_weight("weight = 70", "weight = 0");
  set_weight("weight = 20", "weight = 0");
  const auto start = std::chrono::steady_clock::now();
  estate_.set_config(after);
  for (const char* ns : {kNs1, kNs2}) {
    EXPECT_TRUE(wait_until([&] {
      const auto counts = count("weighted.gslb.example.com", 20, ns);
      return counts.size() == 1 && counts.contains(kSingapore);
    })) << ns;
  }
  measured("weights changed in the file, both name servers follow after (ms)",
           std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::steady_clock::now() - start)
                              .count()));

  // A file that is wrong changes nothing, and says where.
  estate_.set_config(after + "[profile.vpn2]\nmethod = \"best\"\n");
  EXPECT_TRUE(wait_until([&] {
    return estate_.docker({"logs", estate_.id("ns1")}).find("profile.vpn2.method") !=
           std::string::npos;
  }));
  EXPECT_EQ(count("weighted.gslb.example.com", 20, kNs1).count(kSingapore), 1U);
  estate_.set_config(before);
}

}  // namespace
}  // namespace gslb::docker
