#include "health/exec_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "health/command.h"
#include "health/icmp_prober.h"
#include "tests/support/process.h"
#include "tests/unit/health/probe_fixture.h"

namespace gslb::health {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

MonitorSpec shell(const std::string& script) {
  MonitorSpec monitor;
  monitor.name = "script";
  monitor.protocol = Protocol::kExec;
  monitor.command = {"/bin/sh", "-c", script};
  monitor.timeout = 10s;
  return monitor;
}

using ExecProberTest = ProberTest<ExecProber>;

TEST_F(ExecProberTest, TheExitStatusDecidesAndTheLastLineIsTheReason) {
  const struct {
    const char* script;
    bool success;
    const char* detail;
  } rows[] = {
      {"exit 0", true, "exit status 0"},
      {"echo first; echo all is well", true, "all is well"},
      {"echo all is well; echo; echo", true, "all is well"},
      {"printf 'no newline'", true, "no newline"},
      {"exit 1", false, "exit status 1"},
      {"echo the cellar is flooded; exit 1", false, "the cellar is flooded"},
      {"echo the cellar is flooded >&2; exit 1", false, "the cellar is flooded"},
      {"echo usage; exit 64", false, "exit status 64: usage"},
      {"kill -9 $$", false, "ended by signal 9"},
      {"printf 'a\\033[2Jb'; exit 1", false, "a?[2Jb"},
  };
  for (const auto& row : rows) {
    const ProbeResult result = probe(shell(row.script));
    EXPECT_EQ(result.success(), row.success) << row.script;
    EXPECT_EQ(result.detail, row.detail) << row.script;
  }
}

TEST_F(ExecProberTest, ItIsToldWhatToProbeAndNothingElse) {
  ::setenv("GSLBD_TEST_SECRET", "1", 1);
  MonitorSpec monitor = shell(
      "echo $0 $GSLBD_ADDRESS $GSLBD_MONITOR $GSLBD_TIMEOUT_MS $REALM "
      "secret=$GSLBD_TEST_SECRET");
  monitor.command.emplace_back("at={address}");
  monitor.environment = {{"REALM", "example.com"}};
  EXPECT_EQ(probe(monitor).detail, "at=127.0.0.1 127.0.0.1 script 10000 example.com secret=");
  ::unsetenv("GSLBD_TEST_SECRET");
  const auto v6 = *base::parse_ip_address("2001:db8::1");
  EXPECT_THAT(probe(monitor, v6).detail, HasSubstr("at=2001:db8::1 2001:db8::1"));
}

TEST_F(ExecProberTest, ItInheritsNoDescriptors) {
  const int leak = ::dup(0);  // Not close-on-exec.
  const ProbeResult result = probe(shell("ls /proc/self/fd | tr '\\n' ' '"));
  ::close(leak);
  EXPECT_EQ(result.detail, "0 1 2 3 ") << "3 is the folder that ls reads";
}

TEST_F(ExecProberTest, ALongOutputIsReadToItsEnd) {
  EXPECT_EQ(
      probe(shell("i=0; while [ $i -lt 20000 ]; do echo line $i of many; i=$((i+1)); done")).detail,
      "line 19999 of many");
}

TEST_F(ExecProberTest, ChildrenThatWriteOnAndOnDoNotHoldItUp) {
  const ProbeResult result = probe(shell("setsid yes & sleep 0.1"));
  EXPECT_TRUE(result.success());
  EXPECT_EQ(result.detail, "y");
}

TEST_F(ExecProberTest, WhatTakesTooLongIsKilledWithAllItStarted) {
  const support::TemporaryFolder folder;
  const std::string file = (folder.path() / "pid").string();
  MonitorSpec monitor = shell("sleep 600 & echo $! > " + file + "; wait");
  monitor.timeout = 300ms;
  const ProbeResult result = probe(monitor);
  EXPECT_FALSE(result.success());
  EXPECT_EQ(result.detail, "timed out after 300ms: the command has not ended");
  pid_t child = 0;
  std::ifstream(file) >> child;
  ASSERT_GT(child, 0);
  // Init, or whoever takes orphans in, may not have reaped it yet.
  EXPECT_TRUE(run_until(io_, [&] {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string number;
    std::string name;
    std::string state;
    return !(stat >> number >> name >> state) || state == "Z";
  }));
}

TEST_F(ExecProberTest, ChildrenThatStayBehindDoNotHoldItUp) {
  const ProbeResult result = probe(shell("sleep 600 & echo done"));
  EXPECT_TRUE(result.success());
  EXPECT_EQ(result.detail, "done");
  EXPECT_LT(result.elapsed, 5s);
}

TEST_F(ExecProberTest, WhatCannotBeStartedIsALocalFault) {
  MonitorSpec monitor = shell("");
  monitor.command = {"/nowhere/check"};
  const ProbeResult result = probe(monitor);
  EXPECT_EQ(result.outcome, Outcome::kLocalFault);
  EXPECT_EQ(result.detail, "cannot start /nowhere/check: no such file or directory");
}

TEST_F(ExecProberTest, CancelledProbeNeverCallsBackAndLeavesNoProcess) {
  const support::TemporaryFolder folder;
  const auto file = folder.path() / "started";
  expect_silence_after_cancel(shell("touch " + file.string() + "; exec sleep 600"),
                              [&] { return std::filesystem::exists(file); });
}

TEST(Command, GetsItsInput) {
  boost::asio::io_context io;
  CommandSpec spec;
  spec.arguments = {"/bin/cat"};
  spec.input = "{\"event\":\"endpoint\"}\n";
  std::optional<CommandResult> result;
  const auto pending = run_command(io, spec, [&](const CommandResult& found) { result = found; });
  ASSERT_TRUE(run_until(io, [&] { return result.has_value(); }));
  EXPECT_EQ(result->end, CommandResult::End::kExited);
  EXPECT_EQ(result->last_line, "{\"event\":\"endpoint\"}");
}

class IcmpProberTest : public ProberTest<IcmpProber> {
 protected:
  static MonitorSpec ping(std::chrono::milliseconds timeout = 10s) {
    MonitorSpec monitor;
    monitor.protocol = Protocol::kIcmp;
    monitor.timeout = timeout;
    return monitor;
  }

  /// Where neither kind of socket is to be had, nothing can be tested.
  bool is_permitted() { return probe(ping()).outcome != Outcome::kLocalFault; }
};

TEST_F(IcmpProberTest, BothFamiliesAnswer) {
  if (!is_permitted()) GTEST_SKIP() << "ICMP is not permitted here";
  for (const char* address : {"127.0.0.1", "127.1.2.3", "::1"}) {
    const ProbeResult result = probe(ping(), *base::parse_ip_address(address));
    EXPECT_TRUE(result.success()) << address << ": " << result.detail;
    EXPECT_THAT(result.detail, testing::MatchesRegex("echo reply after [0-9.]+ ms"));
  }
}

TEST_F(IcmpProberTest, WithoutARouteItFails) {
  if (!is_permitted()) GTEST_SKIP() << "ICMP is not permitted here";
  // Of the range for documentation (RFC 3849), to which there is no route.
  const ProbeResult result = probe(ping(300ms), *base::parse_ip_address("2001:db8::1"));
  EXPECT_FALSE(result.success());
  EXPECT_NE(result.detail, "");
}

}  // namespace
}  // namespace gslb::health
