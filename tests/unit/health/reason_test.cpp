#include "health/reason.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace gslb::health {
namespace {

using namespace std::chrono_literals;

TEST(Reason, DurationsReadAsConfigured) {
  EXPECT_EQ(format_duration(5s), "5s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
}

TEST(Reason, TimeoutTellsHowFarItGot) {
  EXPECT_EQ(timed_out(5s, "no connection"), "timed out after 5s: no connection");
}

TEST(Reason, ErrnoReadsWithinASentence) {
  EXPECT_EQ(describe_errno(ECONNREFUSED), "connection refused");
  EXPECT_EQ(describe_errno(EHOSTUNREACH), "no route to host");
}

TEST(Reason, WhatPeersSendCannotForgeLogLines) {
  EXPECT_EQ(printable("a\nb\x1b[31m\xff", 80), "a?b?[31m?");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace gslb::health
