// The admin API over its Unix socket, with curl as the client, and the commands of gslbctl that use
// it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/json.hpp>
#include <csignal>

#include "base/unique_fd.h"
#include "tests/blackbox/daemon.h"
#include "tests/support/vpn_site.h"

namespace gslb::blackbox {
namespace {

namespace json = boost::json;
using support::Finished;
using support::run;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr int kUnreachable = 3;

class AdminApi : public testing::Test {
 protected:
  /// The body, and after it a line with the status.
  Finished curl(std::vector<std::string> arguments) const {
    std::vector<std::string> all = {"curl",
                                    "-s",
                                    "-m",
                                    "20",
                                    "-w",
                                    "\n%{http_code}",
                                    "--unix-socket",
                                    daemon_.control().string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all);
  }
  Finished ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), GSLBCTL_BINARY);
    arguments.insert(arguments.end(), {"--control", daemon_.control().string()});
    return run(arguments);
  }

  support::VpnSite site_;
  Daemon daemon_{site_and_spare(site_.port())};
};

base::UniqueFd connect_to(const std::filesystem::path& path) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(std::begin(address.sun_path), sizeof address.sun_path - 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  return fd;
}

TEST_F(AdminApi, RefusesBadRequestsWithProblemsAndGoesOn) {
  const std::string big(20000, 'x');
  const struct {
    std::vector<std::string> arguments;
    const char* status;
    const char* detail;
  } rows[] = {
      {{"http://gslbd/v1/nothing"}, "404", "there is no such path in this API"},
      {{"http://gslbd/"}, "404", "there is no such path"},
      {{"-X", "DELETE", "http://gslbd/v1/status"}, "405", "this path takes GET"},
      {{"http://gslbd/v1/reload"}, "405", "this path takes POST"},
      {{"http://gslbd/v1/explain"}, "400", "the parameter name is missing"},
      {{"http://gslbd/v1/explain?name=%zz"}, "400", "not percent-encoded correctly"},
      {{"http://gslbd/v1/explain?name=vpn.gslb.example.com&client=nobody"}, "400", "is no address"},
      {{"http://gslbd/v1/explain?name=other.example.com&client=10.0.0.1"}, "404", "no profile"},
      {{"http://gslbd/v1/latency?prefix=10.0.0.0%2F99"}, "400", "10.0.0.0/99"},
      {{"-d", "{", "http://gslbd/v1/measurements"}, "400", "JSON"},
      {{"-d", "[]", "http://gslbd/v1/measurements"}, "400", "measurements"},
      {{"-d", big, "http://gslbd/v1/reload"}, "413", "the body is too large"},
      {{"-H", "X-Big: " + big, "http://gslbd/v1/status"}, "431", "the header is too large"},
  };
  for (const auto& row : rows) {
    const auto told = curl(row.arguments);
    EXPECT_EQ(told.status, 0) << told.output;
    const std::size_t end = told.output.rfind('\n');
    ASSERT_NE(end, std::string::npos);
    EXPECT_EQ(told.output.substr(end + 1), row.status) << told.output;
    const auto problem = json::parse(told.output.substr(0, end)).as_object();
    EXPECT_EQ(std::to_string(problem.at("status").as_int64()), row.status);
    EXPECT_THAT(std::string(problem.at("detail").as_string()), HasSubstr(row.detail));
  }
  EXPECT_THAT(curl({"http://gslbd/healthz"}).output, ContainsRegex("ok.*\n200$"));
  EXPECT_THAT(curl({"http://gslbd/readyz"}).output, ContainsRegex("ready.*\n200$"));
}

TEST_F(AdminApi, OctetsThatAreNoHttpAreRefusedAndSilentClientsDoNotBlockOthers) {
  std::vector<base::UniqueFd> silent;
  for (int i = 0; i < 40; ++i) silent.push_back(connect_to(daemon_.control()));
  EXPECT_TRUE(std::ranges::all_of(silent, [](const auto& fd) { return static_cast<bool>(fd); }));

  const base::UniqueFd fd = connect_to(daemon_.control());
  const std::string junk = "\x16\x03\x01 this is TLS, or SMTP\r\n\r\n";
  ASSERT_EQ(::send(fd.get(), junk.data(), junk.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(junk.size()));
  std::string reply(4096, '\0');
  const ssize_t size = ::recv(fd.get(), reply.data(), reply.size(), 0);
  ASSERT_GT(size, 0);
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 400 Bad Request"));
  EXPECT_THAT(reply, HasSubstr("the request cannot be read"));
  EXPECT_THAT(curl({"http://gslbd/healthz"}).output, ContainsRegex("\n200$"));
}

TEST_F(AdminApi, StatusFollowsHealthAndSaysWhy) {
  ASSERT_TRUE(daemon_.wait_for_addresses(kVpn, kSite));
  const auto healthy = ctl({"status"});
  EXPECT_EQ(healthy.status, 0) << healthy.output;
  EXPECT_THAT(healthy.output,
              ContainsRegex("vpn +vpn[.]gslb[.]example[.]com +priority +Online +2/2"));

  site_.set_behaviour(support::SiteBehaviour::kStatus404);
  ASSERT_TRUE(daemon_.wait_for_addresses(kVpn, kSpare));
  const auto sick = ctl({"status"});
  EXPECT_THAT(sick.output,
              ContainsRegex("vpn +vpn[.]gslb[.]example[.]com +priority +Degraded +1/2"));
  EXPECT_THAT(sick.output, HasSubstr("expected status 401, got 404"));
  EXPECT_THAT(ctl({"endpoints"}).output, HasSubstr("expected status 401, got 404"));

  const auto in_json = ctl({"status", "vpn", "--json"});
  const auto profile = json::parse(in_json.output).at("profiles").at(0).as_object();
  EXPECT_EQ(profile.at("status").as_string(), "Degraded");
  EXPECT_EQ(ctl({"status", "nix"}).status, 1);
}

TEST_F(AdminApi, ReadyTellsWhetherQueriesAreAnswered) {
  const auto ready = ctl({"ready"});
  EXPECT_EQ(ready.status, 0);
  EXPECT_EQ(ready.output, "ready: queries are answered\n");
  EXPECT_THAT(ctl({"ready", "--json"}).output, HasSubstr(R"("status":"ready")"));
  daemon_.process().signal(SIGTERM);
  ASSERT_TRUE(daemon_.process().wait());
  EXPECT_EQ(ctl({"ready"}).status, kUnreachable);
}

TEST_F(AdminApi, ReloadTellsItsErrors) {
  EXPECT_EQ(ctl({"reload"}).status, 0);
  support::replace_file(daemon_.file(), daemon_.with_server("[nonsense]\n"));
  const auto refused = ctl({"reload"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, ContainsRegex("gslbd.toml:[0-9]+:[0-9]+: error: nonsense"));
  EXPECT_EQ(daemon_.addresses(kVpn), kSite);
}

TEST_F(AdminApi, TheSocketIsForOwnerAndGroupAndForOneDaemon) {
  struct stat status {};
  ASSERT_EQ(::stat(daemon_.control().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0660U);

  const auto second = run({GSLBD_BINARY, "--config", daemon_.file().string()});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.output, HasSubstr("the address is in use by another process"));
  EXPECT_THAT(curl({"http://gslbd/healthz"}).output, ContainsRegex("\n200$"));

  daemon_.process().signal(SIGKILL);
  ASSERT_TRUE(daemon_.process().wait());
  EXPECT_TRUE(std::filesystem::exists(daemon_.control()));
  const auto unreachable = ctl({"status"});
  EXPECT_EQ(unreachable.status, kUnreachable);
  EXPECT_THAT(unreachable.output, HasSubstr("no gslbd answers at"));
  const support::Process heir({GSLBD_BINARY, "--config", daemon_.file().string()});
  ASSERT_TRUE(heir.wait_for_output("listening")) << heir.output();
  EXPECT_EQ(ctl({"status"}).status, 0);
}

/// The same API over TCP.
class AdminHttp : public testing::Test {
 protected:
  static constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

  AdminHttp() { support::write_file(token_file(), std::string(kToken) + "\n"); }

  std::filesystem::path token_file() const { return folder_.path() / "api.token"; }
  std::string config(const std::string& address) const {
    return "http = \"" + address + "\"\ntoken_file = \"" + token_file().string() + "\"\n" +
           site_and_spare(site_.port());
  }
  /// The port that the newest line of the log about it tells.
  static std::string port_of(Daemon& daemon) {
    const std::string log = daemon.log();
    const std::string mark = "API over TCP: 127.0.0.1:";
    const std::size_t at = log.rfind(mark);
    if (at == std::string::npos) return "";
    return log.substr(at + mark.size(), log.find('\n', at) - at - mark.size());
  }
  /// The status that comes.
  static std::string curl(const std::string& port, const std::string& path,
                          std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {"curl", "-s", "-m", "20", "-o", "/dev/null", "-w",
                                         "%{http_code}", "http://127.0.0.1:" + port + path});
    return run(arguments).output;
  }

  support::VpnSite site_;
  support::TemporaryFolder folder_;
};

TEST_F(AdminHttp, ReadsAreOpenToThisHostAndAllElseNeedsTheToken) {
  Daemon daemon(config("127.0.0.1:0"));
  const std::string port = port_of(daemon);
  EXPECT_EQ(curl(port, "/readyz"), "200");
  EXPECT_EQ(curl(port, "/metrics"), "200");
  EXPECT_EQ(curl(port, "/v1/status", {"-H", "Host: attacker.example"}), "401");
  EXPECT_EQ(curl(port, "/v1/reload", {"-X", "POST"}), "401");
  EXPECT_EQ(curl(port, "/v1/reload", {"-X", "POST", "--oauth2-bearer", "not the token"}), "401");
  EXPECT_EQ(curl(port, "/v1/reload", {"-X", "POST", "--oauth2-bearer", kToken}), "200");
  EXPECT_EQ(curl(port, "/v1/status", {"-H", "Host: gslbd.example", "--oauth2-bearer", kToken}),
            "200");
}

TEST_F(AdminHttp, TokenAndAddressChangeLive) {
  Daemon daemon(config("127.0.0.1:0"));
  const std::string port = port_of(daemon);
  const std::string newer = "fedcba9876543210fedcba9876543210";
  support::replace_file(token_file(), newer + "\n");
  ASSERT_TRUE(daemon.wait_for_log("configuration applied"));
  EXPECT_EQ(curl(port, "/v1/reload", {"-X", "POST", "--oauth2-bearer", kToken}), "401");
  EXPECT_EQ(curl(port, "/v1/reload", {"-X", "POST", "--oauth2-bearer", newer}), "200");

  daemon.reload(site_and_spare(site_.port()));
  EXPECT_EQ(curl(port, "/readyz"), "000") << "closed";
  EXPECT_TRUE(daemon.wait_for_addresses(kVpn, kSite));
  daemon.reload(config("127.0.0.1:0"));
  EXPECT_EQ(curl(port_of(daemon), "/readyz"), "200");
}

TEST_F(AdminHttp, AnAddressThatIsTakenEndsTheStartAndNotTheRun) {
  const std::string taken = "127.0.0.1:" + std::to_string(site_.port());
  Daemon daemon(site_and_spare(site_.port()));
  support::replace_file(daemon.file(), daemon.with_server(config(taken)));
  EXPECT_TRUE(daemon.wait_for_log("server.http: cannot listen on TCP " + taken));
  EXPECT_TRUE(daemon.wait_for_addresses(kVpn, kSite));
  daemon.process().signal(SIGTERM);
  ASSERT_TRUE(daemon.process().wait());
  const auto again = run({GSLBD_BINARY, "--config", daemon.file().string()});
  EXPECT_EQ(again.status, 1);
  EXPECT_THAT(again.output, HasSubstr("server.http: cannot listen on TCP " + taken));
}

}  // namespace
}  // namespace gslb::blackbox
