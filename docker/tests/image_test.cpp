// The image of gslbd itself.

#include <sstream>

#include "docker/tests/estate.h"

namespace gslb::docker {
namespace {

using testing::HasSubstr;

class Image : public Scenario {
 protected:
  std::string inspect(const std::string& format) const {
    return estate_.docker({"inspect", "-f", format, estate_.id("ns1")});
  }
  /// What the kernel says of the process, see proc(5).
  std::string process_status() const {
    const std::string pid = inspect("{{.State.Pid}}");
    return support::run({"cat", "/proc/" + pid.substr(0, pid.find('\n')) + "/status"}).output;
  }
};

TEST_F(Image, RunsWithoutRightsOnARootThatCannotBeWritten) {
  EXPECT_EQ(inspect("{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Privileged}}"),
            "65532:65532 true false\n");
  const std::string status = process_status();
  EXPECT_THAT(status, HasSubstr("Uid:\t65532\t65532\t65532\t65532"));
  EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("CapPrm:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("CapBnd:\t0000000000000400")) << "NET_BIND_SERVICE";
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
}

TEST_F(Image, HasNoShell) {
  EXPECT_NE(estate_.exec("ns1", {"sh", "-c", "true"}).status, 0);
  EXPECT_EQ(estate_.exec("ns1", {"gslbctl", "ready"}).output, "ready: queries are answered\n");
}

TEST_F(Image, TellsItsHealthByGslbctl) {
  EXPECT_TRUE(wait_until([&] { return inspect("{{.State.Health.Status}}") == "healthy\n"; }));
  EXPECT_EQ(inspect("{{.Config.Healthcheck.Test}}"), "[CMD gslbctl ready]\n");
}

TEST_F(Image, FirstAnswerMemoryAndSize) {
  const std::string image = inspect("{{.Config.Image}}");
  measured(
      "size of the image (bytes)",
      estate_.docker({"image", "inspect", "-f", "{{.Size}}", image.substr(0, image.size() - 1)})
          .substr(0, 12));
  std::istringstream lines(process_status());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("VmRSS:") || line.starts_with("RssAnon:")) measured("memory", line);
  }
  // A client asks from before the start on.
  estate_.docker({"stop", estate_.id("ns2")});
  const std::string ask =
      "while ! dig +short +time=1 +tries=1 @" + std::string(kNs2) +
      " priority.gslb.example.com 2>/dev/null | grep -q 198; do :; done; date +%s%3N";
  support::Process asking({"docker", "exec", estate_.id("client-newyork"), "sh", "-c", ask});
  const auto start = std::chrono::system_clock::now().time_since_epoch();
  estate_.docker({"start", estate_.id("ns2")});
  ASSERT_EQ(asking.wait(), 0);
  const std::chrono::milliseconds answered(std::stoll(asking.output()));
  const auto passed = answered - std::chrono::duration_cast<std::chrono::milliseconds>(start);
  measured("docker start to first answer (ms)", std::to_string(passed.count()));
  EXPECT_LT(passed, std::chrono::seconds(5));
}

TEST_F(Image, PrometheusScrapesBothNameServers) {
  EXPECT_TRUE(wait_until([&] {
    const auto told = estate_.exec(
        "client-london", {"curl", "-s", "-G", "--data-urlencode",
                          R"(query=gslbd_endpoint_status{endpoint="london",status="Online"})",
                          "http://198.18.0.90:9090/api/v1/query"});
    return told.output.find(std::string(kNs1) + ":8053") != std::string::npos &&
           told.output.find(std::string(kNs2) + ":8053") != std::string::npos;
  }));
}

}  // namespace
}  // namespace gslb::docker
