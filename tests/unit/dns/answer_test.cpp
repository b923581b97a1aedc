#include "dns/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "dns/cookie.h"
#include "dns/rate_limiter.h"
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

TEST_F(AnswerTest, SaysWhyItRefuses) {
  const auto extended_error = [&](const char* owner, std::uint16_t qtype) {
    return ask_and_read(make_query(owner, qtype, 1232), Transport::kTcp).edns_options;
  };
  EXPECT_THAT(extended_error("www.example.net", type::kA), ElementsAre(0, 15, 0, 2, 0, 20));
  EXPECT_THAT(extended_error("gslb.example.com", type::kIxfr), ElementsAre(0, 15, 0, 2, 0, 18));
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

/// A query with one EDNS option.
Bytes with_option(std::uint16_t code, const Bytes& data, const char* owner = kVpn) {
  Bytes query = make_query(owner, type::kA, 1232);
  store_u16(&query[query.size() - 2], static_cast<std::uint16_t>(4 + data.size()));
  Bytes head(4);
  store_u16(&head[0], code);
  store_u16(&head[2], static_cast<std::uint16_t>(data.size()));
  query.insert(query.end(), head.begin(), head.end());
  query.insert(query.end(), data.begin(), data.end());
  return query;
}

/// The data of an option of a response; empty where it has none.
Bytes option_of(const Message& message, std::uint16_t code) {
  const Bytes& options = message.edns_options;
  for (std::size_t at = 0; at + 4 <= options.size();) {
    const std::size_t size = load_u16(&options[at + 2]);
    if (load_u16(&options[at]) == code) {
      return {options.begin() + static_cast<std::ptrdiff_t>(at + 4),
              options.begin() + static_cast<std::ptrdiff_t>(at + 4 + size)};
    }
    at += 4 + size;
  }
  return {};
}

class CookieTest : public AnswerTest {
 protected:
  CookieTest() {
    maker_.clients().cookie_keys = std::make_shared<const CookieKeys>(SipHashKey{1, 2});
    snapshot_ = maker_.snapshot();
    scratch_.now_s = 1'800'000'000;
  }

  Bytes client_cookie_{1, 2, 3, 4, 5, 6, 7, 8};
};

TEST_F(CookieTest, AClientCookieIsAnsweredWithAServerCookieThatHolds) {
  const Message first = ask_and_read(with_option(edns_option::kCookie, client_cookie_));
  EXPECT_EQ(first.answer.size(), 1U);
  const Bytes cookie = option_of(first, edns_option::kCookie);
  ASSERT_EQ(cookie.size(), kCookieSize);
  EXPECT_TRUE(std::equal(client_cookie_.begin(), client_cookie_.end(), cookie.begin()));
  const Message second = ask_and_read(with_option(edns_option::kCookie, cookie));
  EXPECT_EQ(option_of(second, edns_option::kCookie), cookie);
  EXPECT_EQ(scratch_.counters.cookie_valid.value(), 1U);
}

TEST_F(CookieTest, ACookieOfAnImpossibleLengthIsMalformed) {
  for (const std::size_t size : {0U, 7U, 9U, 15U, 41U}) {
    EXPECT_EQ(ask_and_read(with_option(edns_option::kCookie, Bytes(size, 1))).rcode, "FORMERR");
  }
}

TEST_F(CookieTest, ABadCookieIsAnsweredAllTheSameUnlessCookiesAreRequired) {
  const Bytes forged(kCookieSize, 7);
  EXPECT_EQ(ask_and_read(with_option(edns_option::kCookie, forged)).rcode, "NOERROR");

  maker_.clients().require_cookies = true;
  snapshot_ = maker_.snapshot();
  const Message refused = ask_and_read(with_option(edns_option::kCookie, forged));
  EXPECT_EQ(refused.rcode, "BADCOOKIE");
  EXPECT_THAT(refused.answer, IsEmpty());
  const Bytes fresh = option_of(refused, edns_option::kCookie);
  EXPECT_EQ(ask_and_read(with_option(edns_option::kCookie, fresh)).rcode, "NOERROR");
  EXPECT_EQ(ask_and_read(with_option(edns_option::kCookie, forged), Transport::kTcp).rcode,
            "NOERROR");
  EXPECT_EQ(ask_and_read(make_query(kVpn, type::kA, 1232)).rcode, "NOERROR")
      << "a client that does not know cookies";
}

/// A message with EDNS that lost its question.
Bytes without_question(Bytes query, const char* owner = kVpn) {
  const auto begin = query.begin() + kHeaderSize;
  query.erase(begin, begin + static_cast<std::ptrdiff_t>(support::name(owner).length() + 4));
  query[5] = 0;
  return query;
}

TEST_F(CookieTest, AMessageWithoutAQuestionAsksForACookie) {
  const auto ask_for_cookie = [&](const Bytes& cookie) {
    const Message message =
        ask_and_read(without_question(with_option(edns_option::kCookie, cookie)));
    EXPECT_EQ(message.question_count, 0U);
    EXPECT_FALSE(message.aa);
    EXPECT_THAT(message.answer, IsEmpty());
    EXPECT_THAT(message.authority, IsEmpty());
    return message;
  };
  for (const bool required : {false, true}) {
    maker_.clients().require_cookies = required;
    snapshot_ = maker_.snapshot();
    const Message first = ask_for_cookie(client_cookie_);
    EXPECT_EQ(first.rcode, "NOERROR");
    const Bytes cookie = option_of(first, edns_option::kCookie);
    ASSERT_EQ(cookie.size(), kCookieSize);
    const Message confirmed = ask_for_cookie(cookie);
    EXPECT_EQ(confirmed.rcode, "NOERROR");
    EXPECT_EQ(option_of(confirmed, edns_option::kCookie), cookie);
    const Message refused = ask_for_cookie(Bytes(kCookieSize, 7));
    EXPECT_EQ(refused.rcode, "BADCOOKIE");
    const Bytes fresh = option_of(refused, edns_option::kCookie);
    EXPECT_EQ(ask_for_cookie(fresh).rcode, "NOERROR");
  }
  EXPECT_EQ(ask_for_cookie(Bytes(9, 7)).rcode, "FORMERR");
  EXPECT_EQ(ask_and_read(without_question(make_query(kVpn, type::kA, 1232))).rcode, "FORMERR");

  maker_.clients().cookie_keys = nullptr;
  snapshot_ = maker_.snapshot();
  EXPECT_EQ(ask_for_cookie(client_cookie_).rcode, "FORMERR") << "no cookies are served";
}

TEST_F(CookieTest, AnErrorShowsACookieOnlyToWhoBringsAValidOne) {
  const Bytes cookie = option_of(ask_and_read(with_option(edns_option::kCookie, client_cookie_)),
                                 edns_option::kCookie);
  const auto with_opcode_status = [](Bytes query) {
    query[2] = 0x10;
    return query;
  };
  const Bytes known = with_opcode_status(with_option(edns_option::kCookie, cookie));
  const Message message = ask_and_read(known);
  EXPECT_EQ(message.rcode, "NOTIMP");
  EXPECT_EQ(option_of(message, edns_option::kCookie), cookie);
  EXPECT_EQ(ask(known).size(), known.size());
  const Bytes unknown = with_opcode_status(with_option(edns_option::kCookie, client_cookie_));
  EXPECT_THAT(ask_and_read(unknown).edns_options, IsEmpty()) << "it would be larger than the query";
}

TEST_F(CookieTest, ARefusalIsLargerThanTheQueryOnlyForWhoIsWhereItSays) {
  const Bytes nsid = {0, edns_option::kNsid, 0, 0};
  const auto ask_for_nsid = [&](const Bytes& cookie, const char* owner, Transport transport) {
    Bytes query = with_option(edns_option::kCookie, cookie, owner);
    store_u16(&query[query.size() - cookie.size() - 6],
              static_cast<std::uint16_t>(8 + cookie.size()));
    query.insert(query.end(), nsid.begin(), nsid.end());
    return std::pair(query, ask(query, transport));
  };
  maker_.clients().require_cookies = true;  // BADCOOKIE is a refusal too.
  snapshot_ = maker_.snapshot(std::string(200, 'n'));
  const Bytes valid = option_of(ask_and_read(with_option(edns_option::kCookie, client_cookie_)),
                                edns_option::kCookie);

  const struct {
    const char* title;
    const char* owner;
    const char* rcode;
    Bytes cookie;
    Transport transport;
    bool tells;
  } rows[] = {
      {"no proof", kVpn, "BADCOOKIE", client_cookie_, Transport::kUdp, false},
      {"a forged cookie", "example.net", "BADCOOKIE", Bytes(kCookieSize, 7), Transport::kUdp,
       false},
      {"TCP", "example.net", "REFUSED", client_cookie_, Transport::kTcp, true},
      {"a valid cookie", "example.net", "REFUSED", valid, Transport::kUdp, true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    const auto [query, response] = ask_for_nsid(row.cookie, row.owner, row.transport);
    const Message message = support::parse_message(response).value();
    EXPECT_EQ(message.rcode, row.rcode);
    EXPECT_EQ(option_of(message, edns_option::kNsid).size(), row.tells ? 200U : 0U);
    if (!row.tells) {
      EXPECT_LE(response.size(), query.size() + kCookieSize - client_cookie_.size());
    }
  }
}

TEST_F(AnswerTest, ARefusalOverUdpIsNoLargerThanTheQuery) {
  snapshot_ = maker_.snapshot(std::string(200, 'n'));
  const Bytes rows[] = {
      make_query("example.net", type::kA, 1232), make_query("gslb.example.com", type::kAxfr, 1232),
      make_query(kVpn, type::kMailb, 1232), with_option(edns_option::kNsid, {}, "example.net"),
      with_option(edns_option::kClientSubnet, {0, 1, 24, 0, 203, 0, 113}, "example.net")};
  for (const Bytes& query : rows) {
    SCOPED_TRACE(testing::PrintToString(query));
    EXPECT_LE(ask(query).size(), query.size());
  }
}

TEST_F(CookieTest, WithoutKeysCookiesAreIgnored) {
  maker_.clients().cookie_keys = nullptr;
  snapshot_ = maker_.snapshot();
  EXPECT_THAT(ask_and_read(with_option(edns_option::kCookie, client_cookie_)).edns_options,
              IsEmpty());
}

TEST_F(AnswerTest, AClientSubnetComesBackWithScopeZero) {
  const Bytes subnet = {0, 1, 24, 0, 203, 0, 113};
  const Message message = ask_and_read(with_option(edns_option::kClientSubnet, subnet));
  EXPECT_EQ(option_of(message, edns_option::kClientSubnet), subnet);
  EXPECT_EQ(message.answer.size(), 1U);
  // On negative answers and errors too.
  EXPECT_EQ(option_of(ask_and_read(with_option(edns_option::kClientSubnet, subnet, "example.net")),
                      edns_option::kClientSubnet),
            subnet);
}

TEST_F(AnswerTest, AMalformedClientSubnetIsAnError) {
  const Bytes rows[] = {
      {},           {0, 1, 24, 8, 203, 0, 113}, {0, 1, 24, 0, 203, 0}, {0, 1, 33, 0, 1, 2, 3, 4, 5},
      {0, 3, 0, 0}, {0, 1, 23, 0, 203, 0, 113}};
  for (const Bytes& data : rows) {
    SCOPED_TRACE(testing::PrintToString(data));
    EXPECT_EQ(ask_and_read(with_option(edns_option::kClientSubnet, data)).rcode, "FORMERR");
  }
}

TEST_F(AnswerTest, OverTcpTheIdleTimeoutIsToldToWhoAsks) {
  Bytes out(kMaxMessageSize);
  const Bytes query = with_option(edns_option::kTcpKeepalive, {});
  const Client tcp{support::ip("192.0.2.1"), Transport::kTcp, 100};
  out.resize(answer(*snapshot_, tcp, query, out, scratch_));
  EXPECT_THAT(option_of(support::parse_message(out).value(), edns_option::kTcpKeepalive),
              ElementsAre(0, 100));
  EXPECT_THAT(ask_and_read(query).edns_options, IsEmpty()) << "over UDP it means nothing";
  // RFC 7828 §3.2.1 and §3.3.1: only servers send a timeout, and over UDP nobody looks.
  const Bytes odd = with_option(edns_option::kTcpKeepalive, {0, 1});
  EXPECT_EQ(ask_and_read(odd, Transport::kTcp).rcode, "FORMERR");
  EXPECT_EQ(ask_and_read(odd, Transport::kTls).rcode, "FORMERR");
  EXPECT_EQ(ask_and_read(odd).rcode, "NOERROR");
}

class RateLimitTest : public CookieTest {
 protected:
  RateLimitTest() {
    RateLimits limits;
    limits.responses_per_second = 10;
    limits.nxdomains_per_second = 5;
    limits.errors_per_second = 2;
    limits.slip = 2;
    limits.exempt = {{support::ip("192.0.2.200"), 32}};
    maker_.clients().rate_limit = std::make_shared<const RateLimitPolicy>(limits);
    snapshot_ = maker_.snapshot();
    scratch_.limiter = &limiter_;
    scratch_.now_ms = 1000;
  }

  struct Seen {
    int full = 0, truncated = 0, dropped = 0;
    bool operator==(const Seen&) const = default;
  };

  Seen send(const Bytes& query, int count, const char* from = "192.0.2.1",
            Transport transport = Transport::kUdp) {
    Seen seen;
    for (int i = 0; i < count; ++i) {
      Bytes out(kMaxMessageSize);
      out.resize(answer(*snapshot_, {support::ip(from), transport}, query, out, scratch_));
      if (out.empty()) {
        ++seen.dropped;
      } else {
        ++(support::parse_message(out).value().tc ? seen.truncated : seen.full);
      }
    }
    return seen;
  }

  RateLimiter limiter_{SipHashKey{3, 4}};
};

TEST_F(RateLimitTest, ANetworkGetsItsRateAndThenEverySecondOneTruncated) {
  EXPECT_EQ(send(make_query(kVpn, type::kA), 30), (Seen{10, 10, 10}));
  scratch_.now_ms += 1000;
  EXPECT_EQ(send(make_query(kVpn, type::kA), 10), (Seen{10, 0, 0}));
  EXPECT_EQ(scratch_.counters.rate_dropped.value(), 10U);
  EXPECT_EQ(scratch_.counters.rate_truncated.value(), 10U);
}

TEST_F(RateLimitTest, WhatGoesOutTruncatedIsNoLargerThanTheQuery) {
  snapshot_ = maker_.snapshot(std::string(200, 'n'));
  const Bytes query = with_option(edns_option::kNsid, {});
  EXPECT_EQ(send(query, 11), (Seen{10, 0, 1}));
  const Bytes truncated = ask(query);
  EXPECT_FALSE(truncated.empty());
  EXPECT_LE(truncated.size(), query.size());
}

TEST_F(RateLimitTest, EachKindOfResponseHasItsOwn) {
  send(make_query(kVpn, type::kA), 30);
  EXPECT_EQ(send(make_query("nothing.gslb.example.com", type::kA), 5), (Seen{5, 0, 0}));
  EXPECT_EQ(send(make_query("www.example.net", type::kA), 2), (Seen{2, 0, 0}));
  EXPECT_GT(send(make_query("www.example.net", type::kA), 10).dropped, 0);
  EXPECT_GT(send(Bytes(12, 0), 10).dropped, 0) << "FORMERR counts as an error";
}

TEST_F(RateLimitTest, OthersAreNotLimited) {
  send(make_query(kVpn, type::kA), 30);
  const Bytes query = make_query(kVpn, type::kA);
  EXPECT_EQ(send(query, 10, "198.51.100.1"), (Seen{10, 0, 0})) << "another network";
  EXPECT_EQ(send(query, 50, "192.0.2.200"), (Seen{50, 0, 0})) << "an exempt address";
  EXPECT_EQ(send(query, 50, "192.0.2.1", Transport::kTcp), (Seen{50, 0, 0})) << "TCP";
}

TEST_F(RateLimitTest, AValidCookieLiftsTheLimit) {
  const Bytes cookie = option_of(ask_and_read(with_option(edns_option::kCookie, client_cookie_)),
                                 edns_option::kCookie);
  EXPECT_EQ(send(with_option(edns_option::kCookie, cookie), 50), (Seen{50, 0, 0}));
}

TEST_F(RateLimitTest, AllocatesNothing) {
  const Bytes query = with_option(edns_option::kCookie, client_cookie_);
  std::array<std::uint8_t, kEdnsUdpSize> out;
  const Client client{support::ip("192.0.2.1"), Transport::kUdp};
  const std::uint64_t before = support::allocation_count();
  for (int i = 0; i < 100; ++i) answer(*snapshot_, client, query, out, scratch_);
  EXPECT_EQ(support::allocation_count(), before);
}

TEST_F(AnswerTest, TheVersionIsToldOnlyWhereConfigured) {
  Bytes query = make_query("version.bind", type::kTxt);
  store_u16(&query[query.size() - 2], klass::kCh);
  EXPECT_EQ(ask_and_read(query).rcode, "REFUSED");
  auto telling = std::make_shared<zones::Snapshot>(*snapshot_);
  telling->identity = zones::make_identity("", "gslbd 1");
  snapshot_ = telling;
  EXPECT_THAT(ask_and_read(query).answer, ElementsAre("version.bind. 0 CH TXT \"gslbd 1\""));
  Bytes name_query = make_query("id.server", type::kTxt);
  store_u16(&name_query[name_query.size() - 2], klass::kCh);
  EXPECT_EQ(ask_and_read(name_query).rcode, "REFUSED") << "an empty name is not told";
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
      {"opcode NOTIFY", with(good, 2, 0x20), "REFUSED"},
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

TEST_F(AnswerTest, AnErrorRepeatsTheQuestionAndEdnsWhereTheyCanBeRead) {
  const Bytes good = make_query(kVpn, type::kA);
  const Bytes edns = make_query(kVpn, type::kA, 1232);
  const Bytes opt(edns.end() - 11, edns.end());
  const Bytes question(good.begin() + 12, good.end());
  const auto compressed = [&](Bytes name) {
    Bytes query(good.begin(), good.begin() + 12);
    query[11] = 1;
    return plus(plus(plus(query, name), {0, 1, 0, 1}), opt);
  };
  const Bytes a_record = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};

  const struct {
    const char* title;
    Bytes query;
    std::size_t questions;
    bool edns;
  } rows[] = {
      {"opcode STATUS", with(good, 2, 0x10), 1, false},
      {"opcode STATUS with EDNS", with(edns, 2, 0x10), 1, true},
      {"opcode DSO, a header alone", with(Bytes(12, 0), 2, 0x30), 0, false},
      {"no question", without_question(edns), 0, true},
      {"two questions", plus(plus(with(with(good, 5, 2), 11, 1), question), opt), 0, true},
      {"QDCOUNT 65535", with(with(edns, 4, 0xFF), 5, 0xFF), 0, false},
      {"a QNAME that is a pointer to itself", compressed({0xC0, 12}), 0, true},
      {"a QNAME with a label and a pointer behind it", compressed({1, 'a', 0xC0, 0xFF}), 0, true},
      {"a QNAME with a label of 64 octets", with(edns, 12, 64), 0, false},
      {"ANCOUNT without a record", with(good, 7, 1), 1, false},
      {"OPT counted as an answer", with(with(edns, 11, 0), 7, 1), 1, false},
      {"OPT twice", plus(with(edns, 11, 2), opt), 1, true},
      {"OPT in front of what is cut off", plus(with(edns, 11, 2), {0xC0}), 1, true},
      {"OPT behind another record", plus(plus(plus(with(good, 11, 2), a_record), opt), {0}), 1,
       true},
      {"OPT behind a record that is cut off", plus(with(good, 11, 2), cut(a_record, 1)), 1, false},
      {"OPT cut off", cut(edns, 1), 1, false},
      {"OPT data past the end", with(edns, edns.size() - 1, 4), 1, false},
      {"an option past the end of OPT", plus(with(edns, edns.size() - 1, 4), {0, 3, 0, 1}), 1,
       true},
      {"an option cut in its head", plus(with(edns, edns.size() - 1, 3), {0, 3, 0}), 1, true},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.title);
    const Bytes response = ask(row.query);
    const auto message = support::parse_message(response);
    ASSERT_TRUE(message);
    EXPECT_NE(message->rcode, "NOERROR");
    EXPECT_EQ(message->question_count, row.questions);
    EXPECT_EQ(message->has_edns, row.edns);
    EXPECT_LE(response.size(), row.query.size());
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
    const auto message = support::parse_message(response);
    ASSERT_TRUE(message) << testing::PrintToString(query);
    if (message->rcode == "FORMERR" || message->rcode == "NOTIMP") {
      ASSERT_LE(response.size(), query.size()) << testing::PrintToString(query);
    }
  }
  EXPECT_GT(answered, 100'000);
}

}  // namespace
}  // namespace gslb::dns
