#include "health/metric.h"

#include <gtest/gtest.h>

#include <random>

namespace gslb::health {
namespace {

constexpr const char* kText = R"(# HELP windows_ras_total_connections Connections
# TYPE windows_ras_total_connections gauge
windows_ras_total_connections 412
windows_ras_total_connections_other 7
sessions{port="sstp"} 10
sessions{port="ikev2",state="a\"b\\c\nd,}"} 2.5e1 1395066363000
sessions{ port = "sstp" , zone="b", } 5
odd{port="x"} +Inf
negative -1
none{port="x"} text
broken{port="x 1
spaced	  8
)";

double value(std::string_view metric, std::string_view text = kText) {
  const auto read = read_metric(text, metric);
  EXPECT_TRUE(read) << metric << ": " << (read ? "" : read.error());
  return read.value_or(-1);
}

std::string error(std::string_view metric, std::string_view text = kText) {
  const auto read = read_metric(text, metric);
  return read ? "none" : read.error();
}

TEST(Metric, IsFoundByItsWholeName) {
  EXPECT_EQ(value("windows_ras_total_connections"), 412);
  EXPECT_EQ(value("spaced"), 8);
  EXPECT_EQ(value("windows_ras_total_connections", "windows_ras_total_connections 3\r\n"), 3);
  EXPECT_EQ(value("last", "last 4"), 4);
}

TEST(Metric, OfSeveralSeriesIsTheSum) {
  EXPECT_EQ(value("sessions"), 40);
  EXPECT_EQ(value("sessions{port=\"sstp\"}"), 15);
  EXPECT_EQ(value("sessions{port=\"sstp\",zone=\"b\"}"), 5);
  EXPECT_EQ(value(R"(sessions{state="a\"b\\c\nd,}"})"), 25);
}

TEST(Metric, OfJsonIsFoundByItsPointer) {
  EXPECT_EQ(value("/sessions/0/active", R"({"sessions":[{"active":17}]})"), 17);
  EXPECT_EQ(value("/a~1b", R"({"a/b":1.5})"), 1.5);
}

TEST(Metric, WhatIsWrongIsSaid) {
  EXPECT_EQ(error("ras"), "there is no metric ras");
  EXPECT_EQ(error("sessions{port=\"pptp\"}"), "there is no metric sessions{port=\"pptp\"}");
  EXPECT_EQ(error("odd"), "odd is no number from 0 on");
  EXPECT_EQ(error("negative"), "negative is no number from 0 on");
  EXPECT_EQ(error("none"), "a series of none has no number");
  EXPECT_EQ(error("/a", "<html>"), "expected JSON, got something else");
  EXPECT_EQ(error("/a", R"({"b":1})"), "there is no /a in the JSON");
  EXPECT_EQ(error("/a", R"({"a":"1"})"), "/a in the JSON is no number");
  EXPECT_EQ(error("x", ""), "there is no metric x");
}

TEST(Metric, ThatNobodyCanAskForIsAProblem) {
  for (const char* good : {"a", "a_b:c", "a{b=\"c\"}", "a{b=\"c\",}", "/a/b", "/"}) {
    EXPECT_EQ(find_metric_problem(good), "") << good;
  }
  for (const char* bad : {"", "1a", "a b", "a{b=c}", "a{b=\"c\"", "a}", "ä"}) {
    EXPECT_NE(find_metric_problem(bad), "") << bad;
  }
}

TEST(Metric, AnyBytesMayCome) {
  std::mt19937 random(4);
  constexpr std::string_view kAlphabet = "sesion{}\"\\=,.0123 \n\t#+-eNaI/[]:";
  for (unsigned round = 0; round < 20'000; ++round) {
    std::string text = round % 2 == 0 ? kText : "";
    for (unsigned i = 0; i < random() % 60; ++i) {
      text.insert(text.begin() + static_cast<std::ptrdiff_t>(random() % (text.size() + 1)),
                  kAlphabet[random() % kAlphabet.size()]);
    }
    read_metric(text, "sessions{port=\"sstp\"}");
    read_metric(text, "/a");
    find_metric_problem(text);
  }
}

}  // namespace
}  // namespace gslb::health
