#include "health/http_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "health/protocol_prober.h"
#include "tests/support/certificates.h"
#include "tests/support/vpn_site.h"
#include "tests/unit/health/wait.h"

namespace gslb::health {
namespace {

using boost::asio::ip::tcp;
using support::SiteBehaviour;
using support::VpnSite;
using testing::Contains;
using testing::ContainsRegex;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

const base::IpAddress kLoopback = base::IpAddress::v4({127, 0, 0, 1});

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

class HttpProberTest : public testing::Test {
 protected:
  /// The `sstp` preset for a site on this host.
  static MonitorSpec sstp(std::uint16_t port) {
    MonitorSpec monitor;
    monitor.name = "sstp";
    monitor.port = port;
    monitor.host = "vpn.example.com";
    monitor.path = kSstpPath;
    monitor.expected_status = {{401, 401}};
    monitor.timeout = 10s;
    return monitor;
  }

  ProbeResult probe(const MonitorSpec& monitor, base::IpAddress address = kLoopback) {
    std::optional<ProbeResult> result;
    const auto pending = prober_.start(std::make_shared<const MonitorSpec>(monitor), address,
                                       [&](const ProbeResult& found) { result = found; });
    EXPECT_FALSE(result) << "called back inside start()";
    EXPECT_TRUE(run_until(io_, [&] { return result.has_value(); }));
    return result.value_or(ProbeResult{Outcome::kFailure, "no result", {}});
  }

  boost::asio::io_context io_;
  ProtocolProber prober_{io_};
};

// One healthy site, all ways to be sick, each with its reason.

struct BehaviourCase {
  const char* name;
  SiteBehaviour behaviour;
  bool success;
  const char* detail;  ///< A regular expression for the whole text.
  std::chrono::milliseconds timeout = 10s;
  const char* expect_body = "";
};

void PrintTo(const BehaviourCase& row, std::ostream* out) { *out << row.name; }

class HttpProberBehaviour : public HttpProberTest,
                            public testing::WithParamInterface<BehaviourCase> {};

TEST_P(HttpProberBehaviour, HasItsReason) {
  const auto& row = GetParam();
  VpnSite site;
  site.set_behaviour(row.behaviour);
  MonitorSpec monitor = sstp(site.port());
  monitor.timeout = row.timeout;
  monitor.expect_body = row.expect_body;
  if (!monitor.expect_body.empty()) monitor.expected_status = {{200, 200}};
  const auto descriptors = open_descriptors();
  const ProbeResult result = probe(monitor);
  EXPECT_EQ(result.success(), row.success);
  EXPECT_THAT(result.detail, testing::MatchesRegex(row.detail));
  // The site's thread closes its end a moment later.
  EXPECT_TRUE(run_until(io_, [&] { return open_descriptors() <= descriptors; }))
      << "the probe's socket is still open";
}

constexpr auto kShort = 150ms;

INSTANTIATE_TEST_SUITE_P(
    Table, HttpProberBehaviour,
    testing::Values(
        BehaviourCase{"Healthy", SiteBehaviour::kHealthy, true, "status 401"},
        BehaviourCase{"InformationalResponsesFirst", SiteBehaviour::kContinueFirst, true,
                      "status 401"},
        BehaviourCase{"Status200", SiteBehaviour::kStatus200, false,
                      "expected status 401, got 200"},
        BehaviourCase{"Status204", SiteBehaviour::kStatus204, false,
                      "expected status 401, got 204"},
        BehaviourCase{"Status404", SiteBehaviour::kStatus404, false,
                      "expected status 401, got 404"},
        BehaviourCase{"RedirectIsNotFollowed", SiteBehaviour::kRedirect, false,
                      "expected status 401, got 302 \\(redirect to "
                      "https://elsewhere.example.com/\\)"},
        BehaviourCase{"ClosedPort", SiteBehaviour::kClosed, false, "connection refused"},
        BehaviourCase{"HangAfterAccept", SiteBehaviour::kHangAfterAccept, false,
                      "timed out after 150ms: connected, but no TLS handshake", kShort},
        BehaviourCase{"CloseAfterAccept", SiteBehaviour::kCloseAfterAccept, false,
                      "TLS handshake failed: connection (closed|reset) by the peer"},
        BehaviourCase{"PlainTcp", SiteBehaviour::kPlainTcp, false,
                      "TLS handshake failed: wrong version number \\(the peer does not speak "
                      "TLS\\)"},
        BehaviourCase{"HangAfterTls", SiteBehaviour::kHangAfterTls, false,
                      "timed out after 150ms: TLS established, but no HTTP response", kShort},
        BehaviourCase{"CloseAfterTls", SiteBehaviour::kCloseAfterTls, false,
                      "connection closed before a HTTP response"},
        BehaviourCase{"ResetAfterTls", SiteBehaviour::kResetAfterTls, false,
                      "connection reset before a HTTP response"},
        BehaviourCase{"NotHttp", SiteBehaviour::kNotHttp, false,
                      "expected a HTTP response, got something else"},
        BehaviourCase{"HangMidHeader", SiteBehaviour::kHangMidHeader, false,
                      "timed out after 150ms: status 401 received, but no end of the response "
                      "header",
                      kShort},
        BehaviourCase{"ResetMidHeader", SiteBehaviour::kResetMidHeader, false,
                      "connection reset in the middle of the response header"},
        BehaviourCase{"EndlessHeader", SiteBehaviour::kEndlessHeader, false,
                      "response header longer than 64 KiB"},
        BehaviourCase{"EndlessHeaderLine", SiteBehaviour::kEndlessLine, false,
                      "response header line longer than 100 KiB"},
        BehaviourCase{"EndlessBodyIsNotReadWhenTheStatusDecides", SiteBehaviour::kEndlessBody,
                      false, "expected status 401, got 200"},
        BehaviourCase{"BodyMatches", SiteBehaviour::kStatus200, true,
                      "status 200, body contains \"It works\"", 10s, "It works"},
        BehaviourCase{"BodyDoesNotMatch", SiteBehaviour::kStatus200, false,
                      "body does not contain \"Welcome\" \\(9 bytes\\)", 10s, "Welcome"},
        BehaviourCase{"BodyIsEmpty", SiteBehaviour::kStatus204, false,
                      "expected status 200, got 204", 10s, "Welcome"},
        BehaviourCase{"BodyIsEndless", SiteBehaviour::kEndlessBody, false,
                      "first 64 KiB of the body do not contain \"Welcome\"", 10s, "Welcome"},
        BehaviourCase{"BodyHangs", SiteBehaviour::kHangMidBody, false,
                      "timed out after 150ms: status 200 received, but no end of the body and no "
                      "\"Welcome\" in it",
                      kShort, "Welcome"},
        BehaviourCase{"BodyMatchesBeforeItHangs", SiteBehaviour::kHangMidBody, true,
                      "status 200, body contains \"works\"", 10s, "works"},
        BehaviourCase{"BodyIsCut", SiteBehaviour::kCloseMidBody, false,
                      "connection closed in the middle of the body, which does not contain "
                      "\"Welcome\" so far",
                      10s, "Welcome"}),
    [](const auto& test) { return test.param.name; });

TEST_F(HttpProberTest, SilentNetworkTimesOutWithoutAConnection) {
  // A listener whose backlog is full drops further SYNs, like a firewall that drops silently.
  tcp::acceptor full(io_, tcp::v4());
  full.bind({boost::asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  tcp::socket first(io_);
  first.connect(full.local_endpoint());
  tcp::socket second(io_);
  second.async_connect(full.local_endpoint(), [](boost::system::error_code) {});
  MonitorSpec monitor = sstp(full.local_endpoint().port());
  monitor.timeout = kShort;
  const ProbeResult result = probe(monitor);
  EXPECT_EQ(result.detail, "timed out after 150ms: no connection");
  EXPECT_GE(result.elapsed, kShort);
}

// The request.

TEST_F(HttpProberTest, SendsHostSniAndEncodedPath) {
  const VpnSite site;
  EXPECT_TRUE(probe(sstp(site.port())).success());
  const auto request = site.last_request();
  EXPECT_EQ(request.line, "GET /sra_%7BBA195980-CD49-458b-9E23-C84EE0ADCD75%7D/ HTTP/1.1");
  EXPECT_EQ(request.host, "vpn.example.com:" + std::to_string(site.port()));
  EXPECT_EQ(request.sni, "vpn.example.com");
}

TEST_F(HttpProberTest, WithoutHostTheAddressStandsInAndSniIsLeftOut) {
  const VpnSite site;
  MonitorSpec monitor = sstp(site.port());
  monitor.host = "";
  EXPECT_TRUE(probe(monitor).success());
  EXPECT_EQ(site.last_request().host, "127.0.0.1:" + std::to_string(site.port()));
  EXPECT_EQ(site.last_request().sni, "");
}

TEST_F(HttpProberTest, ProbesIPv6Addresses) {
  const base::IpAddress loopback = *base::parse_ip_address("::1");
  const VpnSite site({.listen = {loopback, 0}});
  MonitorSpec monitor = sstp(site.port());
  EXPECT_TRUE(probe(monitor, loopback).success());
  EXPECT_EQ(site.last_request().sni, "vpn.example.com");
  monitor.host = "";
  EXPECT_TRUE(probe(monitor, loopback).success());
  EXPECT_EQ(site.last_request().host, "[::1]:" + std::to_string(site.port()));
}

TEST_F(HttpProberTest, HeadSendsNoBodyRequestAndJudgesTheStatus) {
  const VpnSite site({.behaviour = SiteBehaviour::kStatus200});
  MonitorSpec monitor = sstp(site.port());
  monitor.method = HttpMethod::kHead;
  monitor.expected_status = {{200, 299}};
  const ProbeResult result = probe(monitor);
  EXPECT_TRUE(result.success()) << result.detail;
  EXPECT_THAT(site.last_request().line, StartsWith("HEAD /sra_"));
}

TEST_F(HttpProberTest, SendsConfiguredHeaders) {
  const VpnSite site;
  MonitorSpec monitor = sstp(site.port());
  monitor.headers = {{"X-Probe", "gslbd"}, {"X-Empty", ""}, {"Host", "inner.example.com"}};
  EXPECT_TRUE(probe(monitor).success());
  const auto request = site.last_request();
  EXPECT_THAT(request.headers, Contains("X-Probe: gslbd"));
  EXPECT_THAT(request.headers, Contains(StartsWith("X-Empty:")));
  EXPECT_THAT(request.headers, Contains("Host: inner.example.com"));
  EXPECT_EQ(request.sni, "vpn.example.com");
}

TEST_F(HttpProberTest, EachProbeIsANewConnection) {
  const VpnSite site({.behaviour = SiteBehaviour::kStatus200});
  MonitorSpec monitor = sstp(site.port());
  monitor.expected_status = {{200, 200}};
  monitor.expect_body = "Welcome";  // Read to its end, so that the connection could be kept.
  probe(monitor);
  probe(monitor);
  EXPECT_EQ(site.connections(), 2U);
  EXPECT_EQ(site.requests(), 2U);
}

TEST_F(HttpProberTest, ProxyOfTheEnvironmentIsIgnored) {
  const VpnSite site;
  ::setenv("https_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const ProbeResult result = probe(sstp(site.port()));
  ::unsetenv("https_proxy");
  ::unsetenv("ALL_PROXY");
  EXPECT_TRUE(result.success()) << result.detail;
}

TEST_F(HttpProberTest, SpeaksPlainHttp) {
  VpnSite site({.tls = false});
  MonitorSpec monitor = sstp(site.port());
  monitor.protocol = Protocol::kHttp;
  EXPECT_TRUE(probe(monitor).success());
  monitor.timeout = kShort;
  site.set_behaviour(SiteBehaviour::kHangAfterTls);
  EXPECT_EQ(probe(monitor).detail, "timed out after 150ms: connected, but no HTTP response");
}

TEST_F(HttpProberTest, DispatchesTcpMonitors) {
  const VpnSite site({.behaviour = SiteBehaviour::kPlainTcp});
  MonitorSpec monitor = sstp(site.port());
  monitor.protocol = Protocol::kTcp;
  EXPECT_EQ(probe(monitor).detail, "connection accepted");
}

struct RangeCase {
  const char* name;
  std::vector<StatusRange> expected;
  const char* detail;
};

TEST_F(HttpProberTest, ExpectedStatusIsAnyOfTheRanges) {
  const VpnSite site({.behaviour = SiteBehaviour::kStatus204});
  const RangeCase rows[] = {
      {"within a range", {{401, 401}, {200, 299}}, "status 204"},
      {"first of a range", {{204, 210}}, "status 204"},
      {"last of a range", {{200, 204}}, "status 204"},
      {"below", {{205, 299}}, "expected status 205-299, got 204"},
      {"above", {{200, 203}}, "expected status 200-203, got 204"},
      {"several",
       {{401, 401}, {200, 203}, {300, 399}},
       "expected status 401, 200-203 or 300-399, got 204"},
      {"none means 200", {}, "expected status 200, got 204"},
  };
  for (const auto& row : rows) {
    MonitorSpec monitor = sstp(site.port());
    monitor.expected_status = row.expected;
    EXPECT_EQ(probe(monitor).detail, row.detail) << row.name;
  }
}

TEST_F(HttpProberTest, BodyIsFoundAtTheEdgeOfTheFirst64KiB) {
  const std::size_t limit = 65536;
  for (const bool inside : {true, false}) {
    std::string body(limit + 100, 'x');
    body.replace(limit - 4 + (inside ? 0 : 1), 4, "fine");
    const VpnSite site({.behaviour = SiteBehaviour::kStatus200, .body = body});
    MonitorSpec monitor = sstp(site.port());
    monitor.expected_status = {{200, 200}};
    monitor.expect_body = "fine";
    EXPECT_EQ(probe(monitor).success(), inside);
  }
}

TEST_F(HttpProberTest, RedirectsAreFollowedWhereAskedForAtTheProbedAddress) {
  VpnSite site({.behaviour = SiteBehaviour::kRedirectHome});
  MonitorSpec monitor = sstp(site.port());
  monitor.expected_status = {{200, 200}};
  monitor.expect_body = "works";
  EXPECT_EQ(probe(monitor).detail, "expected status 200, got 302 (redirect to /home)");
  monitor.follow_redirects = 1;
  EXPECT_EQ(probe(monitor).detail, "status 200, body contains \"works\"");
  EXPECT_EQ(site.last_request().line, "GET /home HTTP/1.1");
  site.set_behaviour(SiteBehaviour::kRedirectLoop);
  monitor.follow_redirects = 3;
  const auto before = site.requests();
  EXPECT_EQ(probe(monitor).detail, "expected status 200, got 302 (redirect to /again)");
  EXPECT_EQ(site.requests() - before, 4U);
  // The other host is asked for at the same address, where nothing listens on port 443.
  site.set_behaviour(SiteBehaviour::kRedirect);
  EXPECT_EQ(probe(monitor).detail, "connection refused");
}

TEST_F(HttpProberTest, TheOtherVersionOfHttpIsAFailure) {
  const VpnSite site;
  MonitorSpec monitor = sstp(site.port());
  monitor.http_version = HttpVersion::kHttp2;
  EXPECT_EQ(probe(monitor).detail, "expected HTTP/2, got HTTP/1.1");
}

TEST_F(HttpProberTest, TheCertificateIsShownAndRequiredWhereAskedFor) {
  const support::Identity authority =
      support::make_identity({.name = "Example CA", .is_authority = true});
  const VpnSite site({.identity = std::make_shared<const support::Identity>(
                          support::make_identity({}, &authority))});
  MonitorSpec monitor = sstp(site.port());
  EXPECT_FALSE(probe(monitor).certificate) << "ignored";
  monitor.certificate.policy = CertificatePolicy::kWarn;
  const ProbeResult warned = probe(monitor);
  EXPECT_TRUE(warned.success());
  ASSERT_TRUE(warned.certificate);
  EXPECT_EQ(warned.certificate->subject, "CN=vpn.example.com");
  EXPECT_THAT(warned.certificate->errors, Contains(StartsWith("is signed by CN=Example CA")));
  monitor.certificate.policy = CertificatePolicy::kRequire;
  EXPECT_THAT(probe(monitor).detail, StartsWith("certificate is signed by CN=Example CA"));
  monitor.certificate.trust = *TrustAnchors::parse(authority.certificate_pem());
  const ProbeResult good = probe(monitor);
  EXPECT_TRUE(good.success()) << good.detail;
  ASSERT_EQ(good.steps.size(), 3U);
  EXPECT_EQ(good.steps[2].what, "status 401");
  monitor.expected_status = {{200, 200}};
  const ProbeResult bad = probe(monitor);
  EXPECT_EQ(bad.detail, "expected status 200, got 401");
  EXPECT_TRUE(bad.certificate) << "of a failed probe, too";
}

/// While it lives, no descriptor can be opened.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    const int next = ::dup(0);
    ::close(next);
    none.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(HttpProberTest, DescriptorsThatAreUsedUpSayNothingAboutTheSite) {
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
  GTEST_SKIP() << "the sanitizer looks at memory by way of descriptors";
#endif
#endif
  // Without a site: it would need descriptors of this process, too.
  MonitorSpec monitor = sstp(1);
  monitor.command = {"/bin/true"};
  {
    const NoDescriptors none;
    for (const auto protocol : {Protocol::kHttps, Protocol::kHttp, Protocol::kTcp, Protocol::kSstp,
                                Protocol::kIcmp, Protocol::kIkev2, Protocol::kExec}) {
      monitor.protocol = protocol;
      const ProbeResult result = probe(monitor);
      EXPECT_EQ(result.outcome, Outcome::kLocalFault) << static_cast<int>(protocol);
      EXPECT_THAT(result.detail, testing::HasSubstr("too many open files"))
          << static_cast<int>(protocol);
    }
  }
  EXPECT_EQ(probe(sstp(1)).detail, "connection refused");
}

// Switching a site, cancelling, and many at once.

TEST_F(HttpProberTest, SiteComesAndGoesOnTheSamePort) {
  VpnSite site;
  const MonitorSpec monitor = sstp(site.port());
  for (int i = 0; i < 3; ++i) {
    site.set_behaviour(SiteBehaviour::kClosed);
    EXPECT_EQ(probe(monitor).detail, "connection refused");
    site.set_behaviour(SiteBehaviour::kHealthy);
    EXPECT_EQ(probe(monitor).detail, "status 401");
  }
}

TEST_F(HttpProberTest, CancelledProbeNeverCallsBackAndClosesItsConnection) {
  VpnSite site({.behaviour = SiteBehaviour::kHangAfterTls});
  const auto descriptors = open_descriptors();
  bool called = false;
  auto pending = prober_.start(std::make_shared<const MonitorSpec>(sstp(site.port())), kLoopback,
                               [&](const ProbeResult&) { called = true; });
  ASSERT_TRUE(run_until(io_, [&] { return site.requests() > 0; }));
  EXPECT_GT(open_descriptors(), descriptors);
  pending.reset();
  io_.restart();
  io_.run_for(20ms);
  EXPECT_FALSE(called);
  // The site notices and closes its end, too.
  EXPECT_TRUE(run_until(io_, [&] { return open_descriptors() <= descriptors; }));
}

TEST_F(HttpProberTest, ProbeCancelledAtOnceNeverConnects) {
  const VpnSite site;
  auto pending = prober_.start(std::make_shared<const MonitorSpec>(sstp(site.port())), kLoopback,
                               [](const ProbeResult&) { ADD_FAILURE() << "called back"; });
  pending.reset();
  io_.run_for(20ms);
  EXPECT_EQ(site.connections(), 0U);
}

TEST_F(HttpProberTest, CallbackMayDropItsOwnAndOtherProbesAndStartNewOnes) {
  VpnSite site;
  const auto monitor = std::make_shared<const MonitorSpec>(sstp(site.port()));
  std::unique_ptr<Pending> other;
  std::unique_ptr<Pending> own;
  std::unique_ptr<Pending> next;
  bool done = false;
  const auto finish = [&](const ProbeResult& result) {
    EXPECT_TRUE(result.success()) << result.detail;
    done = true;
  };
  own = prober_.start(monitor, kLoopback, [&](const ProbeResult&) {
    own.reset();
    other.reset();
    next = prober_.start(monitor, kLoopback, finish);
  });
  MonitorSpec hanging = *monitor;
  hanging.protocol = Protocol::kHttp;  // The TLS server waits for more.
  other = prober_.start(std::make_shared<const MonitorSpec>(hanging), kLoopback,
                        [](const ProbeResult&) {});
  EXPECT_TRUE(run_until(io_, [&] { return done; }));
}

TEST(HttpProberLifetime, MayBeDestroyedWithProbesUnderWay) {
  boost::asio::io_context io;
  const VpnSite site({.behaviour = SiteBehaviour::kHangAfterTls});
  auto prober = std::make_unique<HttpProber>(io);
  MonitorSpec monitor;
  monitor.port = site.port();
  auto pending = prober->start(std::make_shared<const MonitorSpec>(monitor), kLoopback,
                               [](const ProbeResult&) { ADD_FAILURE() << "called back"; });
  ASSERT_TRUE(run_until(io, [&] { return site.requests() > 0; }));
  prober.reset();
  io.restart();
  io.run();  // Nothing is left to wait for.
  pending.reset();
}

TEST(HttpProberLifetime, MayBeDestroyedInACallback) {
  boost::asio::io_context io;
  const VpnSite site;
  auto prober = std::make_unique<HttpProber>(io);
  MonitorSpec monitor;
  monitor.port = site.port();
  bool called = false;
  const auto pending = prober->start(std::make_shared<const MonitorSpec>(monitor), kLoopback,
                                     [&](const ProbeResult&) {
                                       prober.reset();
                                       called = true;
                                     });
  EXPECT_TRUE(run_until(io, [&] { return called; }));
}

TEST_F(HttpProberTest, ManyProbesAtOnceAllEnd) {
  const VpnSite site;
  const auto monitor = std::make_shared<const MonitorSpec>(sstp(site.port()));
  const auto descriptors = open_descriptors();
  int succeeded = 0;
  int ended = 0;
  std::vector<std::unique_ptr<Pending>> pending;
  for (int i = 0; i < 50; ++i) {
    pending.push_back(prober_.start(monitor, kLoopback, [&](const ProbeResult& result) {
      ++ended;
      succeeded += result.success() ? 1 : 0;
    }));
  }
  ASSERT_TRUE(run_until(io_, [&] { return ended == 50; }));
  EXPECT_EQ(succeeded, 50);
  EXPECT_TRUE(run_until(io_, [&] { return open_descriptors() <= descriptors; }));
}

// Percent-encoding.

TEST(PercentEncodePath, EncodesWhatAPathCannotHold) {
  const std::pair<const char*, const char*> rows[] = {
      {"/", "/"},
      {"", "/"},
      {"health", "/health"},
      {"/sra_{X}/", "/sra_%7BX%7D/"},
      {"/sra_%7BX%7D/", "/sra_%7BX%7D/"},
      {"/a%2fb", "/a%2fb"},
      {"/100%", "/100%25"},
      {"/100%zz", "/100%25zz"},
      {"/a b#c\"", "/a%20b%23c%22"},
      {"/q?a=b&c=d", "/q?a=b&c=d"},
      {"/a/../b", "/a/../b"},
      {"/\xc3\xbc\r\n", "/%C3%BC%0D%0A"},
  };
  for (const auto& [path, expected] : rows) EXPECT_EQ(percent_encode_path(path), expected) << path;
}

TEST_F(HttpProberTest, PathReachesTheServerAsEncoded) {
  const VpnSite site({.behaviour = SiteBehaviour::kStatus200});
  MonitorSpec monitor = sstp(site.port());
  monitor.path = "/a/../b c?x={1}";
  probe(monitor);
  EXPECT_EQ(site.last_request().line, "GET /a/../b%20c?x=%7B1%7D HTTP/1.1");
}

}  // namespace
}  // namespace gslb::health
