#include "dns/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "dns/wire.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/message.h"
#include "tests/support/test_snapshot.h"

namespace gslb::dns {
namespace {

using base::EndpointStatus;
using routing::Method;
using support::make_query;
using support::Message;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Bytes = std::vector<std::uint8_t>;

constexpr const char* kVpn = "vpn.gslb.example.com";

class AnswerTest : public testing::Test {
 protected:
  AnswerTest() {
    london_ = maker_.endpoint("london", {"203.0.113.10"});
    paris_ = maker_.endpoint("paris", {"203.0.113.20"});
    newyork_ = maker_.endpoint("newyork", {"203.0.113.30", "2001:db8::30"});
    maker_.profile(kVpn, Method::kWeighted, {{london_, 70, 1}, {paris_, 20, 2}, {newyork_, 10, 3}});
    snapshot_ = maker_.snapshot("ns1-test");
  }

  Bytes ask(const Bytes& query, Transport transport = Transport::kUdp) {
    Bytes out(kMaxMessageSize);
    out.resize(answer(*snapshot_, {support::ip("192.0.2.1"), transport}, query, out, scratch_));
    return out;
  }

  Message ask_and_read(const Bytes& query, Transport transport = Transport::kUdp) {
    const Bytes response = ask(query, transport);
    const auto message = support::parse_message(response);
    EXPECT_TRUE(message) << "ldns cannot read the response of " << response.size() << " octets";
    return message.value_or(Message{});
  }

  support::SnapshotMaker maker_;
  routing::EndpointId london_, paris_, newyork_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  Scratch scratch_{42};
};

TEST_F(AnswerTest, WeightedAnswersFollowTheWeights) {
  std::map<std::string, int> seen;
  constexpr int kQueries = 100'000;
  for (int i = 0; i < kQueries; ++i) {
    const Bytes response = ask(make_query(kVpn, type::kA));
    // The last octet of the one address at the end of the message tells the site.
    ++seen[std::to_string(response.back())];
  }
  // Three standard deviations of a binomial share are 0.43 points here.
  EXPECT_NEAR(seen["10"], 0.70 * kQueries, 0.005 * kQueries);
  EXPECT_NEAR(seen["20"], 0.20 * kQueries, 0.005 * kQueries);
  EXPECT_NEAR(seen["30"], 0.10 * kQueries, 0.005 * kQueries);
}

TEST_F(AnswerTest, AllocatesNothing) {
  const Bytes queries[] = {make_query(kVpn, type::kA, 1232),
                           make_query(kVpn, type::kAaaa, 1232),
                           make_query(kVpn, type::kTxt),
                           make_query("nothing.gslb.example.com", type::kA, 4096),
                           make_query("gslb.example.com", type::kNs),
                           make_query("www.example.net", type::kA),
                           Bytes(12, 0),
                           Bytes(5, 0)};
  std::array<std::uint8_t, kEdnsUdpSize> out;
  const Client client{support::ip("192.0.2.1"), Transport::kUdp};
  const std::uint64_t before = support::allocation_count();
  for (const Bytes& query : queries) answer(*snapshot_, client, query, out, scratch_);
  EXPECT_EQ(support::allocation_count(), before);
  const std::unique_ptr<int> one = std::make_unique<int>(1);
  EXPECT_EQ(support::allocation_count(), before + 1) << "the counter does not count";
}

TEST_F(AnswerTest, TellsItsNameToWhoAsks) {
  Bytes query = make_query(kVpn, type::kA, 1232);
  query[query.size() - 1] = 4;  // RDLENGTH
  query.insert(query.end(), {0, edns_option::kNsid, 0, 0});
  const Message message = ask_and_read(query);
  EXPECT_THAT(message.edns_options,
              ElementsAre(0, 3, 0, 8, 'n', 's', '1', '-', 't', 'e', 's', 't'));
  EXPECT_THAT(ask_and_read(make_query(kVpn, type::kA, 1232)).edns_options, IsEmpty());
}

TEST_F(AnswerTest, SaysWhyThereIsNoData) {
  maker_.set_status(newyork_, EndpointStatus::kDegraded);
  maker_.profile("nodata.gslb.example.com", Method::kPriority, {{newyork_, 1, 1}}).when_all_down =
      routing::AllDown::kNoData;
  snapshot_ = maker_.snapshot();
  const Message message = ask_and_read(make_query("nodata.gslb.example.com", type::kA, 1232));
  const std::string options(message.edns_options.begin(), message.edns_options.end());
  EXPECT_THAT(options, HasSubstr("no endpoint of profile nodata is available"));
  EXPECT_EQ(message.rcode, "NOERROR");
  EXPECT_THAT(message.answer, IsEmpty());
  EXPECT_EQ(message.authority.size(), 1U);
}

TEST_F(AnswerTest, LeavesOutWhatDoesNotFit) {
  // 33 addresses are 528 octets of records: too many for 512 octets, few enough for 1232.
  std::vector<std::string> addresses;
  for (int i = 1; i <= 33; ++i) addresses.push_back("198.51.100." + std::to_string(i));
  const auto many = maker_.endpoint("many", addresses);
  maker_.profile("many.gslb.example.com", Method::kPriority, {{many, 1, 1}});
  snapshot_ = maker_.snapshot();

  const struct {
    std::uint16_t udp_size;
    Transport transport;
    bool truncated;
  } rows[] = {{0, Transport::kUdp, true},      {512, Transport::kUdp, true},
              {500, Transport::kUdp, true},    {1232, Transport::kUdp, false},
              {65535, Transport::kUdp, false}, {0, Transport::kTcp, false},
              {512, Transport::kTcp, false}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.udp_size);
    const Message message =
        ask_and_read(make_query("many.gslb.example.com", type::kA, row.udp_size), row.transport);
    EXPECT_EQ(message.tc, row.truncated);
    EXPECT_EQ(message.answer.size(), row.truncated ? 0U : addresses.size());
  }
  EXPECT_EQ(scratch_.counters.truncated.value(), 3U);
}

TEST_F(AnswerTest, NeverExceedsTheRoomItIsGiven) {
  std::array<std::uint8_t, kPlainUdpSize> out;
  const Bytes query = make_query("gslb.example.com", type::kNs, 4096);
  const std::size_t size =
      answer(*snapshot_, {support::ip("192.0.2.1"), Transport::kTcp}, query, out, scratch_);
  EXPECT_LE(size, out.size());
}

TEST_F(AnswerTest, CountsEveryQueryOnce) {
  ask(make_query(kVpn, type::kA));
  ask(make_query(kVpn, type::kTxt));
  ask(make_query("nothing.gslb.example.com", type::kA));
  ask(make_query("www.example.net", type::kA));
  ask(Bytes(3, 0));
  const Counters& counters = scratch_.counters;
  EXPECT_EQ(counters.queries.value(), 5U);
  EXPECT_EQ(counters.noerror.value(), 1U);
  EXPECT_EQ(counters.nodata.value(), 1U);
  EXPECT_EQ(counters.nxdomain.value(), 1U);
  EXPECT_EQ(counters.refused.value(), 1U);
  EXPECT_EQ(counters.dropped.value(), 1U);
}

/// A message for tests of what is malformed.
Bytes with(Bytes query, std::size_t at, std::uint8_t octet) {
  query[at] = octet;
  return query;
}

Bytes plus(Bytes query, const Bytes& more) {
  query.insert(query.end(), more.begin(), more.end());
  return query;
}

Bytes cut(Bytes query, std::size_t octets) {
  query.resize(query.size() - octets);
  return query;
}

TEST_F(AnswerTest, MalformedMessagesGetTheirErrorOrNothing) {
  const Bytes good = make_query(kVpn, type::kA);
  const Bytes edns = make_query(kVpn, type::kA, 1232);
  const Bytes opt(edns.end() - 11, edns.end());
  const std::size_t opt_at = edns.size() - 11;
  Bytes two_questions = plus(with(good, 5, 2), Bytes(good.begin() + 12, good.end()));

  const struct {
    const char* title;
    Bytes query;
    const char* rcode;  // Empty: dropped.
  } rows[] = {
      {"empty", {}, ""},
      {"eleven octets", Bytes(11, 0), ""},
      {"a response", with(good, 2, 0x80), ""},
      {"a header alone, without a question", Bytes(12, 0), "FORMERR"},
      {"QDCOUNT 0 before a question", with(good, 5, 0), "FORMERR"},
      {"two questions", two_questions, "FORMERR"},
      {"QDCOUNT 256", with(good, 4, 1), "FORMERR"},
      {"a name without end", cut(good, 5), "FORMERR"},
      {"a question without its class", cut(good, 2), "FORMERR"},
      {"a label of 64 octets", with(good, 12, 64), "FORMERR"},
      {"a label past the end", with(good, 12, 63), "FORMERR"},
      {"a compressed question", with(good, 12, 0xC0), "FORMERR"},
      {"ANCOUNT without a record", with(good, 7, 1), "FORMERR"},
      {"NSCOUNT without a record", with(good, 9, 1), "FORMERR"},
      {"ARCOUNT without a record", with(good, 11, 1), "FORMERR"},
      {"octets behind the end", plus(good, {0}), "FORMERR"},
      {"OPT cut off", cut(edns, 1), "FORMERR"},
      {"OPT twice", plus(with(edns, 11, 2), opt), "FORMERR"},
      {"OPT not owned by the root", with(with(edns, opt_at, 1), opt_at + 1, 'x'), "FORMERR"},
      {"OPT in the answer section", with(with(edns, 11, 0), 7, 1), "FORMERR"},
      {"OPT data past the end", with(edns, edns.size() - 1, 4), "FORMERR"},
      {"an option past the end of OPT", plus(with(edns, edns.size() - 1, 4), {0, 3, 0, 1}),
       "FORMERR"},
      {"an option cut in its head", plus(with(edns, edns.size() - 1, 3), {0, 3, 0}), "FORMERR"},
      {"an unknown option", plus(with(edns, edns.size() - 1, 5), {255, 1, 0, 1, 7}), "NOERROR"},
      {"a record beside OPT", plus(with(edns, 11, 2), {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}),
       "NOERROR"},
      {"garbage in an OPT of a version to come",
       plus(with(with(edns, edns.size() - 1, 1), opt_at + 6, 9), {1}), "BADVERS"},
      {"opcode STATUS", with(good, 2, 0x10), "NOTIMP"},
      {"opcode NOTIFY", with(good, 2, 0x20), "NOTIMP"},
      {"opcode UPDATE", with(good, 2, 0x28), "NOTIMP"},
      {"QTYPE OPT", make_query(kVpn, type::kOpt), "FORMERR"},
      {"QTYPE TSIG", make_query(kVpn, type::kTsig), "FORMERR"},
      {"QTYPE 0", make_query(kVpn, 0), "NOERROR"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    const Bytes response = ask(row.query);
    if (std::string_view(row.rcode).empty()) {
      EXPECT_THAT(response, IsEmpty());
      continue;
    }
    const auto message = support::parse_message(response);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->rcode, row.rcode);
    EXPECT_EQ(message->id, 0x1234 * (row.query.size() > 12 ? 1 : 0));
    EXPECT_TRUE(message->qr);
  }
}

TEST_F(AnswerTest, TakesTheLongestName) {
  const std::string label(61, 'a');
  const std::string longest =
      label + "." + label + "." + label + "." + std::string(50, 'b') + ".gslb.example.com";
  ASSERT_EQ(support::name(longest).length(), kMaxNameLength);
  EXPECT_EQ(ask_and_read(make_query(longest, type::kA)).rcode, "NXDOMAIN");
  std::string most_labels;
  for (int i = 0; i < 118; ++i) most_labels += "a.";
  EXPECT_EQ(ask_and_read(make_query(most_labels + "gslb.example.com", type::kA, 512)).rcode,
            "NXDOMAIN");
  // One octet more than a name may have.
  Bytes query(12, 0);
  query[5] = 1;
  for (int i = 0; i < 127; ++i) query.insert(query.end(), {1, 'a'});
  query.insert(query.end(), {1, 'a', 0, 0, 1, 0, 1});
  EXPECT_EQ(ask_and_read(query).rcode, "FORMERR");
}

TEST_F(AnswerTest, SurvivesRandomMessages) {
  const Bytes seeds[] = {make_query(kVpn, type::kA, 1232),
                         make_query("gslb.example.com", type::kNs),
                         make_query("nothing.gslb.example.com", type::kAny, 4096)};
  std::mt19937 random(20261124);
  const auto below = [&random](std::size_t bound) { return random() % bound; };
  int answered = 0;
  for (int round = 0; round < 200'000; ++round) {
    Bytes query = seeds[below(std::size(seeds))];
    for (std::size_t changes = below(6); changes > 0; --changes) {
      query[below(query.size())] = static_cast<std::uint8_t>(random());
    }
    if (below(4) == 0) query.resize(below(query.size() + 1));
    if (below(8) == 0) query.resize(query.size() + below(64), static_cast<std::uint8_t>(random()));

    const Bytes response = ask(query);
    if (response.empty()) continue;
    ++answered;
    ASSERT_GE(query.size(), kHeaderSize);
    ASSERT_TRUE(std::equal(query.begin(), query.begin() + 2, response.begin()));
    ASSERT_LE(response.size(), kEdnsUdpSize);
    ASSERT_TRUE(support::parse_message(response)) << testing::PrintToString(query);
  }
  EXPECT_GT(answered, 100'000);
}

}  // namespace
}  // namespace gslb::dns
