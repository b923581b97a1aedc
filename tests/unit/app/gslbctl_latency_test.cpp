#include "app/gslbctl_latency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gslb::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> read(std::string_view text) {
  const auto lines = parse_measured_lines(text, "m.csv");
  if (!lines) return lines.error();
  std::vector<std::string> out;
  for (const MeasuredLine& line : *lines) {
    out.push_back(std::to_string(line.line) + " " + base::to_string(line.client) + " " +
                  line.endpoint + " " + std::to_string(static_cast<int>(line.rtt_ms * 10)));
  }
  return out;
}

TEST(MeasuredLines, AreClientEndpointAndMilliseconds) {
  EXPECT_THAT(read("client,endpoint,rtt_ms\r\n# note\n\n203.0.113.7, london ,12.5\r\n"
                   "2001:db8::/48,paris,0"),
              ElementsAre("4 203.0.113.7 london 125", "5 2001:db8:: paris 0"));
}

TEST(MeasuredLines, AreNoneInAnEmptyFile) { EXPECT_THAT(read(""), ElementsAre()); }

TEST(MeasuredLines, NameEveryBadLine) {
  EXPECT_THAT(
      read("203.0.113.7,london\nx,london,1\n203.0.113.0/23,london,1\n"
           "2001:db8::/47,london,1\n203.0.113.7,,1\n203.0.113.7,london,-1\n"
           "203.0.113.7,london,60001\n203.0.113.7,london,nan\n203.0.113.7,london,1,2\n"
           "203.0.113.7,london,1ms\nclient,endpoint,rtt_ms\n203.0.113.7,london,1\n"),
      ElementsAre(
          HasSubstr("m.csv:1: expected three fields"), HasSubstr("m.csv:2: \"x\" is not a network"),
          HasSubstr("m.csv:3: \"203.0.113.0/23\" is wider than the /24"),
          HasSubstr("m.csv:4: \"2001:db8::/47\" is wider than the /48"),
          HasSubstr("m.csv:5: the endpoint is missing"), HasSubstr("m.csv:6: \"-1\" is no latency"),
          HasSubstr("m.csv:7: \"60001\" is no latency"),
          HasSubstr("m.csv:8: \"nan\" is no latency"), HasSubstr("m.csv:9: expected three fields"),
          HasSubstr("m.csv:10: \"1ms\" is no latency"),
          HasSubstr("m.csv:11: \"client\" is not a network")));
}

}  // namespace
}  // namespace gslb::app
