// Where targets lead, and how busy sites are: found out in the background.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <optional>

#include "health/load_poller.h"
#include "health/target_addresses.h"
#include "tests/support/vpn_site.h"
#include "tests/unit/health/fakes.h"
#include "tests/unit/health/wait.h"

namespace gslb::health {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

base::IpAddress ip(std::string_view text) { return *base::parse_ip_address(text); }

/// What is asked, to be answered by the test.
template <class Base, class Key, class Result>
class Asked : public Base {
 public:
  struct Question {
    Key key;
    std::function<void(const Result&)> callback;
  };

  void answer(const Result& result) {
    const Question question = std::move(open.front());
    open.erase(open.begin());
    question.callback(result);
  }

  std::vector<Question> open;
};

class FakeResolver : public Asked<Resolver, std::string, Resolver::Result> {
 public:
  std::unique_ptr<Pending> resolve(const std::string& host, Callback callback) override {
    open.push_back({host, std::move(callback)});
    return std::make_unique<Pending>();
  }
};

class FakeFetcher : public Asked<Fetcher, FetchSpec, Fetcher::Result> {
 public:
  std::unique_ptr<Pending> fetch(const FetchSpec& spec, Callback callback) override {
    open.push_back({spec, std::move(callback)});
    return std::make_unique<Pending>();
  }
};

class TargetAddressesTest : public testing::Test {
 protected:
  FakeClock clock_;
  FakeResolver resolver_;
  std::vector<std::string> changes_;
  TargetAddresses targets_{clock_, resolver_,
                           [this](const std::string& host) { changes_.push_back(host); }};
};

TEST_F(TargetAddressesTest, AreFollowedWhereverTheTargetMoves) {
  targets_.set_hosts({"lon.example.net"});
  ASSERT_EQ(resolver_.open.size(), 1U);
  resolver_.answer(std::vector{ip("192.0.2.2"), ip("192.0.2.1")});
  EXPECT_THAT(changes_, ElementsAre("lon.example.net"));
  EXPECT_THAT(targets_.find("lon.example.net").addresses,
              ElementsAre(ip("192.0.2.1"), ip("192.0.2.2")));
  clock_.advance(29s);
  EXPECT_TRUE(resolver_.open.empty());
  clock_.advance(1s);
  ASSERT_EQ(resolver_.open.size(), 1U);
  resolver_.answer(std::vector{ip("192.0.2.1"), ip("192.0.2.2")});
  EXPECT_EQ(changes_.size(), 1U) << "the same in another order";
  clock_.advance(30s);
  resolver_.answer(std::vector{ip("198.51.100.1")});
  EXPECT_EQ(changes_.size(), 2U);
}

TEST_F(TargetAddressesTest, StayWhileTheTargetCannotBeResolved) {
  targets_.set_hosts({"lon.example.net"});
  resolver_.answer(std::vector{ip("192.0.2.1")});
  for (int i = 0; i < 10; ++i) {
    clock_.advance(30s);
    resolver_.answer(tl::make_unexpected(std::string("no answer")));
  }
  EXPECT_EQ(changes_.size(), 1U);
  EXPECT_EQ(targets_.find("lon.example.net").addresses.size(), 1U);
  EXPECT_EQ(targets_.find("lon.example.net").error, "no answer");
}

TEST_F(TargetAddressesTest, ThatNeverCameAreGivenUpAfterThreeFailuresAndTriedOn) {
  targets_.set_hosts({"nowhere.example.net"});
  resolver_.answer(tl::make_unexpected(std::string("no such name")));
  clock_.advance(2s);
  resolver_.answer(tl::make_unexpected(std::string("no such name")));
  EXPECT_TRUE(changes_.empty());
  clock_.advance(4s);
  resolver_.answer(tl::make_unexpected(std::string("no such name")));
  EXPECT_EQ(changes_.size(), 1U);
  clock_.advance(8s);
  resolver_.answer(std::vector{ip("192.0.2.1")});
  EXPECT_EQ(changes_.size(), 2U);
}

TEST_F(TargetAddressesTest, OfHostsThatStayAreKept) {
  targets_.set_hosts({"a.example.net", "b.example.net"});
  resolver_.answer(std::vector{ip("192.0.2.1")});
  targets_.set_hosts({"a.example.net"});
  EXPECT_EQ(targets_.find("a.example.net").addresses.size(), 1U);
  EXPECT_TRUE(targets_.find("b.example.net").addresses.empty());
}

class LoadPollerTest : public testing::Test {
 protected:
  LoadPollerTest() {
    LoadSpec spec;
    spec.url = "https://lon.example.net/metrics";
    spec.metric = "sessions";
    spec.capacity = 500;
    poller_.set_targets({{"london", spec}});
  }

  std::optional<double> share() const { return poller_.find("london").share; }

  FakeClock clock_;
  FakeFetcher fetcher_;
  std::vector<LoadPoller::Load> changes_;
  LoadPoller poller_{clock_, fetcher_,
                     [this](const std::string& endpoint, const LoadPoller::Load& load) {
                       EXPECT_EQ(endpoint, "london");
                       changes_.push_back(load);
                     }};
};

TEST_F(LoadPollerTest, TheLoadIsTheMetricsShareOfTheCapacity) {
  ASSERT_EQ(fetcher_.open.size(), 1U);
  EXPECT_EQ(fetcher_.open[0].key.timeout, 10s);
  fetcher_.answer(std::string("sessions 400\n"));
  EXPECT_EQ(share(), 0.8);
  clock_.advance(30s);
  fetcher_.answer(std::string("sessions 400\n"));
  EXPECT_EQ(changes_.size(), 1U) << "nothing new";
  clock_.advance(30s);
  fetcher_.answer(std::string("sessions 600\n"));
  EXPECT_EQ(share(), 1.2);
}

TEST_F(LoadPollerTest, AnOldLoadIsForgottenAfterThreeFailures) {
  fetcher_.answer(std::string("sessions 400\n"));
  const Fetcher::Result failures[] = {tl::make_unexpected(std::string("no connection")),
                                      std::string("other 1\n"), std::string("sessions NaN\n")};
  for (const auto& failure : failures) {
    EXPECT_EQ(share(), 0.8);
    clock_.advance(30s);
    fetcher_.answer(failure);
  }
  EXPECT_EQ(share(), std::nullopt);
  ASSERT_EQ(changes_.size(), 3U) << "known, failing, forgotten";
  EXPECT_EQ(changes_[1].error, "no connection");
  EXPECT_EQ(changes_[2].error, "sessions is no number from 0 on");
  clock_.advance(30s);
  fetcher_.answer(std::string("sessions 0\n"));
  EXPECT_EQ(share(), 0);
  EXPECT_EQ(poller_.find("london").error, "");
}

TEST_F(LoadPollerTest, WhoIsNoLongerAskedHasNoLoad) {
  fetcher_.answer(std::string("sessions 400\n"));
  poller_.set_targets({});
  EXPECT_EQ(share(), std::nullopt);
  clock_.advance(60s);
  EXPECT_TRUE(fetcher_.open.empty());
}

TEST(HttpFetcher, PostsJson) {
  const support::VpnSite site({.tls = false, .behaviour = support::SiteBehaviour::kStatus200});
  boost::asio::io_context io;
  HttpFetcher fetcher(io);
  FetchSpec spec;
  spec.url = "http://" + base::to_string(site.address()) + "/hook";
  spec.post = R"({"event":"endpoint"})";
  std::optional<Fetcher::Result> result;
  const auto pending = fetcher.fetch(spec, [&](const Fetcher::Result& got) { result = got; });
  ASSERT_TRUE(run_until(io, [&] { return result.has_value(); }));
  EXPECT_TRUE(*result) << result->error();
  EXPECT_EQ(site.last_request().line, "POST /hook HTTP/1.1");
  EXPECT_THAT(site.last_request().headers, testing::Contains("Content-Type: application/json"));
  EXPECT_THAT(site.last_request().headers, testing::Contains("Content-Length: 20"));
}

}  // namespace
}  // namespace gslb::health
