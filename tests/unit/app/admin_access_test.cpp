#include "app/admin_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gslb::app {
namespace {

constexpr std::string_view kToken = "0123456789abcdef";

bool is_let_in(const AccessRequest& request, std::string_view token = kToken) {
  const auto refusal = refuse_access(request, token);
  if (!refusal) return true;
  EXPECT_EQ(refusal->status, 401U);
  EXPECT_THAT(refusal->authenticate, testing::HasSubstr("Bearer"));
  EXPECT_THAT(refusal->body, testing::HasSubstr("Unauthorized"));
  return false;
}

TEST(AdminAccess, TheTokenOpensEverything) {
  for (const bool is_loopback : {true, false}) {
    for (const char* method : {"GET", "POST", "DELETE"}) {
      for (const char* shown : {"Bearer 0123456789abcdef", "bearer 0123456789abcdef"}) {
        EXPECT_TRUE(is_let_in({is_loopback, method, shown, "gslbd.example.com"}));
      }
    }
  }
}

TEST(AdminAccess, AnythingElseIsNotTheToken) {
  for (const char* shown :
       {"Bearer ", "Bearer", "Bearer 0123456789abcde", "Bearer 0123456789abcdefg",
        "Bearer 0123456789abcdeF", "Bearer  0123456789abcdef", "0123456789abcdef",
        "Basic 0123456789abcdef", "Bearer 0123456789abcdef "}) {
    EXPECT_FALSE(is_let_in({true, "GET", shown, "localhost"})) << shown;
  }
}

TEST(AdminAccess, WithoutATokenOnlyThisHostMayRead) {
  EXPECT_TRUE(is_let_in({true, "GET"}));
  EXPECT_TRUE(is_let_in({true, "HEAD"}));
  EXPECT_FALSE(is_let_in({true, "POST"}));
  EXPECT_FALSE(is_let_in({false, "GET"}));
}

TEST(AdminAccess, AnEmptyTokenIsNeverRight) {
  EXPECT_TRUE(is_let_in({true, "GET"}, ""));
  EXPECT_FALSE(is_let_in({true, "POST"}, ""));
  EXPECT_FALSE(is_let_in({true, "GET", "Bearer "}, ""));
  EXPECT_FALSE(is_let_in({false, "GET", "Bearer "}, ""));
}

TEST(AdminAccess, ANameThatAnybodyCanPointHereNeedsTheToken) {
  for (const char* host : {"localhost", "LocalHost:8053", "127.0.0.1", "127.0.0.1:8053", "[::1]",
                           "[::1]:8053", "192.0.2.1:1"}) {
    EXPECT_TRUE(is_let_in({true, "GET", "", host})) << host;
  }
  for (const char* host :
       {"attacker.example", "attacker.example:8053", "localhost.attacker.example",
        "127.0.0.1.attacker.example", "[::1", "[attacker.example]"}) {
    EXPECT_FALSE(is_let_in({true, "GET", "", host})) << host;
  }
}

}  // namespace
}  // namespace gslb::app
