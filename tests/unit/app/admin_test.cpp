#include "app/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "app/admin_json.h"

namespace gslb::app {
namespace {

using testing::HasSubstr;

class AdminHandlersTest : public testing::Test {
 protected:
  AdminHandlersTest() {
    handlers_.get("/v1/echo", [](const AdminRequest& request) {
      return AdminResponse{200, request.parameter("a") + "|" + request.parameter("b")};
    });
    handlers_.post(
        "/v1/both",
        [](const AdminRequest& request, const AdminHandlers::Reply& reply) {
          reply({200, "posted " + request.body});
        },
        kMaxBody);
    handlers_.get("/v1/both", [](const AdminRequest&) { return AdminResponse{200, "got"}; });
  }

  AdminResponse ask(std::string_view method, std::string_view target, std::string body = "") {
    std::optional<AdminResponse> response;
    handlers_.dispatch(method, target, std::move(body),
                       [&](AdminResponse given) { response = std::move(given); });
    EXPECT_TRUE(response) << method << " " << target << " stays without a reply";
    return response.value_or(AdminResponse{});
  }

  AdminHandlers handlers_;
};

TEST_F(AdminHandlersTest, FindTheHandlerByMethodAndPath) {
  EXPECT_EQ(ask("GET", "/v1/both").body, "got");
  EXPECT_EQ(ask("POST", "/v1/both", "x").body, "posted x");
}

TEST_F(AdminHandlersTest, DecodeTheQuery) {
  const struct {
    const char* target;
    const char* expected;
  } rows[] = {
      {"/v1/echo", "|"},           {"/v1/echo?", "|"},
      {"/v1/echo?a=1&b=2", "1|2"}, {"/v1/echo?b=%3D%26%25&a=x+y", "x y|=&%"},
      {"/v1/echo?a", "|"},         {"/v1/echo?&&a=1&", "1|"},
      {"/v1/echo?a=1&a=2", "2|"},  {"/v1/echo?a=2001:db8::1", "2001:db8::1|"},
  };
  for (const auto& row : rows) EXPECT_EQ(ask("GET", row.target).body, row.expected) << row.target;
}

TEST_F(AdminHandlersTest, RefuseAQueryThatIsNotEncodedCorrectly) {
  for (const char* target :
       {"/v1/echo?a=%", "/v1/echo?a=%1", "/v1/echo?a=%zz", "/v1/echo?%-1=a", "/v1/echo?a=%+1"}) {
    EXPECT_EQ(ask("GET", target).status, 400U) << target;
  }
}

TEST_F(AdminHandlersTest, RefuseAnUnknownPathAsAProblem) {
  for (const char* target : {"/", "/v1", "/v1/echo/", "//v1/echo", "/V1/echo", "", "*"}) {
    const AdminResponse response = ask("GET", target);
    EXPECT_EQ(response.status, 404U) << target;
    EXPECT_EQ(response.content_type, "application/problem+json");
  }
}

TEST_F(AdminHandlersTest, TellWhichMethodsAPathTakes) {
  const AdminResponse one = ask("POST", "/v1/echo");
  EXPECT_EQ(one.status, 405U);
  EXPECT_EQ(one.allow, "GET");
  EXPECT_EQ(ask("DELETE", "/v1/both").allow, "POST, GET");
}

TEST_F(AdminHandlersTest, LimitTheBodyByRoute) {
  EXPECT_EQ(handlers_.max_body("POST", "/v1/both?x=1"), kMaxBody);
  EXPECT_EQ(handlers_.max_body("GET", "/v1/both"), kSmallBody);
  EXPECT_EQ(handlers_.max_body("POST", "/v1/unknown"), kSmallBody);
}

TEST(AdminJson, AProblemHasTheMembersOfRfc9457) {
  const AdminResponse response = make_problem(404, "no \"such\" thing");
  EXPECT_EQ(response.status, 404U);
  EXPECT_EQ(response.body, R"({"type":"about:blank","title":"Not Found","status":404,)"
                           R"("detail":"no \"such\" thing"})");
}

TEST(AdminJson, AReloadTellsItsErrorsWithTheirPlaces) {
  const ConfigResult result = parse_config("[server]\nworkers = 999\n", "test.toml", 1);
  const AdminResponse response = make_reload_response(result);
  EXPECT_EQ(response.status, 422U);
  EXPECT_THAT(response.body, HasSubstr(R"("file":"test.toml","line":2,"column":11,)"
                                       R"("key":"server.workers")"));
  EXPECT_THAT(response.body, HasSubstr(R"("warnings":[])"));
}

}  // namespace
}  // namespace gslb::app
