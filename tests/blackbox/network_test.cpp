// What networks do to probes, by nftables in a network namespace, and nginx as a real web server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>

#include "tests/blackbox/network_namespace.h"
#include "tests/support/certificates.h"
#include "tests/support/process.h"

namespace gslb::blackbox {
namespace {

using support::Process;
using support::run;

constexpr const char* kNginx = R"(
daemon off;
pid @/nginx.pid;
error_log stderr;
worker_processes 1;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path @/a; proxy_temp_path @/b; fastcgi_temp_path @/c; uwsgi_temp_path @/d;
  scgi_temp_path @/e;
  server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;
    listen 80;
    ssl_certificate @/site.pem;
    ssl_certificate_key @/site.key;
    location = "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/" { return 401; }
    location /IPHTTPS { return 403; }
    location / { return 200 "inside\n"; }
  }
}
)";

constexpr const char* kGslbd = R"(
[zone."gslb.example.com"]
nameservers = { "ns1.gslb.example.com" = ["192.0.2.53"] }
[monitor.sstp]
preset = "sstp"
host = "vpn.example.com"
certificate = "require"
ca_file = "ca.pem"
interval = "1s"
timeout = "600ms"
tolerated_failures = 0
[monitor.sstp2]
preset = "sstp"
host = "vpn.example.com"
certificate = "ignore"
http_version = "2"
interval = "1s"
timeout = "600ms"
tolerated_failures = 0
[monitor.iphttps]
preset = "iphttps"
certificate = "ignore"
interval = "1s"
timeout = "600ms"
tolerated_failures = 0
[monitor.nls]
preset = "nls"
certificate = "ignore"
expect_body = "inside"
interval = "1s"
timeout = "600ms"
tolerated_failures = 0
[monitor.ping]
protocol = "icmp"
interval = "1s"
timeout = "600ms"
tolerated_failures = 0
[monitor.plain]
protocol = "http"
interval = "1s"
timeout = "600ms"
tolerated_failures = 0
[endpoint.london]
addresses = ["127.0.0.1", "::1"]
monitors = ["sstp"]
[endpoint.http2]
addresses = ["127.0.0.1"]
monitors = ["sstp2"]
[endpoint.directaccess]
addresses = ["127.0.0.2"]
monitors = ["iphttps", "nls"]
[endpoint.ping]
addresses = ["127.0.0.3"]
monitors = ["ping"]
[endpoint.plain]
addresses = ["127.0.0.4"]
monitors = ["plain"]
[profile.vpn]
name = "vpn.gslb.example.com"
method = "priority"
when_all_down = "nodata"
endpoints = [{ endpoint = "london" }, { endpoint = "http2" }, { endpoint = "directaccess" },
             { endpoint = "ping" }, { endpoint = "plain" }]
)";

class Network : public testing::Test {
 protected:
  void SetUp() override {
    if (!NetworkNamespace::is_available()) {
      GTEST_SKIP() << "network namespaces cannot be made here: needs root";
    }
    namespace_ = std::make_unique<NetworkNamespace>();
    if (!namespace_->has_nft()) GTEST_SKIP() << "nftables does not work here";
    ASSERT_NO_FATAL_FAILURE(namespace_->add_chain("input"));
    ASSERT_NO_FATAL_FAILURE(namespace_->add_chain("output"));
    const support::Identity authority =
        support::make_identity({.name = "Example CA", .is_authority = true});
    const support::Identity site = support::make_identity({}, &authority);
    write("ca.pem", authority.certificate_pem());
    write("site.pem", site.certificate_pem());
    write("site.key", site.key_pem());
    std::string nginx = kNginx;
    for (std::size_t at = 0; (at = nginx.find('@')) != std::string::npos;) {
      nginx.replace(at, 1, folder_.path().string());
    }
    write("nginx.conf", nginx);
    nginx_ = std::make_unique<Process>(
        namespace_->inside({"nginx", "-c", path("nginx.conf"), "-e", "stderr"}));
  }

  /// `head` goes before the rest of the configuration.
  void start(const std::string& head = "") {
    write("gslbd.toml", "[server]\nlisten = [\"127.0.0.1:0\"]\ncontrol = \"" +
                            path("control.sock") + "\"\n" + head + kGslbd);
    gslbd_ = std::make_unique<Process>(
        namespace_->inside({GSLBD_BINARY, "--config", path("gslbd.toml")}));
    for (const char* endpoint : {"london", "http2", "directaccess", "ping", "plain"}) {
      ASSERT_TRUE(gslbd_->wait_for_output(std::string("endpoint ") + endpoint +
                                          ": CheckingEndpoint -> Online"))
          << gslbd_->output() << nginx_->output();
    }
    log_position_ = gslbd_->output().size();
  }

  void write(const char* file, const std::string& text) {
    support::write_file(folder_.path() / file, text);
  }
  std::string path(const char* file) const { return (folder_.path() / file).string(); }

  /// Waits for a line that comes after the rules were last changed.
  testing::AssertionResult wait_for(const std::string& text) {
    if (gslbd_->wait_for_output(text, log_position_)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << gslbd_->output();
  }

  void rule(const std::string& text) {
    log_position_ = gslbd_->output().size();
    namespace_->nft("add rule inet filter " + text);
  }
  void no_rules() {
    log_position_ = gslbd_->output().size();
    namespace_->nft("flush chain inet filter input");
    namespace_->nft("flush chain inet filter output");
  }

  boost::json::value ask(const std::string& command) {
    const auto told = run({GSLBCTL_BINARY, command, "--json", "--control", path("control.sock")});
    EXPECT_EQ(told.status, 0) << told.output;
    return boost::json::parse(told.output);
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<NetworkNamespace> namespace_;
  std::unique_ptr<Process> nginx_;
  std::unique_ptr<Process> gslbd_;
  std::size_t log_position_ = 0;
};

TEST_F(Network, EachFaultOfTheNetworkIsTold) {
  ASSERT_NO_FATAL_FAILURE(start());
  const struct {
    const char* rule;
    const char* endpoint;
    const char* reason;
  } rows[] = {
      {"input ip daddr 127.0.0.1 tcp dport 443 drop", "london",
       "monitor sstp at 127.0.0.1:443: timed out after 600ms: no connection"},
      {"input ip6 daddr ::1 tcp dport 443 drop", "london",
       "monitor sstp at [::1]:443: timed out after 600ms: no connection"},
      {"input ip daddr 127.0.0.1 tcp dport 443 reject with tcp reset", "london",
       "connection refused"},
      {"input ip daddr 127.0.0.1 tcp dport 443 reject with icmp type host-unreachable", "london",
       "no route to host"},
      {"input ip daddr 127.0.0.1 tcp dport 443 reject with icmp type admin-prohibited", "london",
       "no route to host"},
      {"input ip daddr 127.0.0.4 tcp dport 80 reject with icmp type net-unreachable", "plain",
       "network is unreachable"},
      {"input ip daddr 127.0.0.3 icmp type echo-request drop", "ping",
       "monitor ping at 127.0.0.3: timed out after 600ms: no answer to 3 ICMP echo requests"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.rule);
    ASSERT_NO_FATAL_FAILURE(rule(row.rule));
    EXPECT_TRUE(wait_for(std::string("endpoint ") + row.endpoint + ": Online -> Degraded"));
    EXPECT_TRUE(wait_for(row.reason));
    ASSERT_NO_FATAL_FAILURE(no_rules());
    EXPECT_TRUE(wait_for(std::string("endpoint ") + row.endpoint + ": Degraded -> Online"));
  }
}

TEST_F(Network, WhatThisHostForbidsSaysNothingAboutTheSite) {
  ASSERT_NO_FATAL_FAILURE(start());
  // A rule of this host's own, which makes sending fail.
  ASSERT_NO_FATAL_FAILURE(rule("output ip daddr 127.0.0.3 icmp type echo-request drop"));
  EXPECT_TRUE(wait_for("monitor ping at 127.0.0.3: cannot be probed: operation not permitted"));
  const auto ready = run({"curl", "-s", "--unix-socket", path("control.sock"), "http://x/readyz"});
  EXPECT_EQ(
      ready.output,
      R"({"status":"impaired","problems":["1 check cannot be run: operation not permitted"]})");
  const auto reply = ask("endpoints");
  for (const auto& endpoint : reply.at("endpoints").as_array()) {
    EXPECT_EQ(endpoint.at("status").as_string(), "Online");
  }
}

TEST_F(Network, StatusesFreezeWhileThisHostIsCutOff) {
  ASSERT_NO_FATAL_FAILURE(
      start("[health]\ncanaries = [\"tcp:127.0.0.9:80\", \"icmp:127.0.0.9\"]\n"));
  ASSERT_NO_FATAL_FAILURE(rule("input ip daddr 127.0.0.0/8 tcp dport { 80, 443 } drop"));
  // The canary by ICMP still answers: these sites are down.
  EXPECT_TRUE(wait_for("endpoint plain: Online -> Degraded"));
  ASSERT_NO_FATAL_FAILURE(no_rules());
  EXPECT_TRUE(wait_for("profile vpn: 5/5 serving"));

  namespace_->nft("add rule inet filter input icmp type echo-request drop");
  namespace_->nft("add rule inet filter input tcp dport { 80, 443 } drop");
  EXPECT_TRUE(wait_for("isolated: all sites and all canaries fail, statuses are frozen: tcp:"));
  EXPECT_THAT(gslbd_->output(), testing::Not(testing::HasSubstr("endpoint ping: Online ->")));
  const auto status = ask("status");
  ASSERT_FALSE(status.at("stale").is_null());
  EXPECT_EQ(status.at("profiles").as_array().at(0).at("serving").to_number<int>(), 5);
  EXPECT_THAT(run({GSLBCTL_BINARY, "status", "--control", path("control.sock")}).output,
              testing::StartsWith("STALE since 20"));
  EXPECT_THAT(run({GSLBCTL_BINARY, "explain", "vpn.gslb.example.com", "--client", "192.0.2.1",
                   "--control", path("control.sock")})
                  .output,
              testing::HasSubstr("(by stale statuses, frozen since 20"));
  ASSERT_NO_FATAL_FAILURE(no_rules());
  EXPECT_TRUE(wait_for("no longer isolated"));
  EXPECT_TRUE(ask("status").at("stale").is_null());
}

}  // namespace
}  // namespace gslb::blackbox
