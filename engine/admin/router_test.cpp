#include "engine/admin/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/admin/problem.hpp"

namespace spool::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Router make_router() {
  Router router;
  router.get("/readyz", [](const Request& r) {
    return Response{200, "text/plain", r.query.contains("verbose") ? "verbose" : "short"};
  });
  router.get("/readyz/{check}", [](const Request& r) {
    return Response{200, "text/plain", "check " + r.captures.at("check")};
  });
  return router;
}

TEST(Router, FindsExactPathsAndCaptures) {
  const Router router = make_router();
  EXPECT_EQ(router.answer("GET", "/readyz").body, "short");
  EXPECT_EQ(router.answer("HEAD", "/readyz").body, "short");
  EXPECT_EQ(router.answer("GET", "/readyz?verbose").body, "verbose");
  EXPECT_EQ(router.answer("GET", "/readyz?a=1&verbose=1").body, "verbose");
  EXPECT_EQ(router.answer("GET", "/readyz/kafka").body, "check kafka");
  EXPECT_EQ(router.answer("GET", "/ready%7a/data%20base").body, "check data base");
}

TEST(Router, WhatIsNotThereIs404) {
  const Router router = make_router();
  for (const char* path :
       {"/", "/readyz/", "/readyz/a/b", "/READYZ", "/readyz%2Fx/y", "//readyz"}) {
    const Response response = router.answer("GET", path);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr("\"status\":404"));
  }
}

TEST(Router, OtherMethodsAre405AndSayWhichAreNot) {
  const Router router = make_router();
  const Response response = router.answer("POST", "/readyz");
  EXPECT_EQ(response.status, 405);
  EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "GET, HEAD")));
  EXPECT_EQ(router.answer("POST", "/nowhere").status, 404);
}

TEST(Router, BadTargetsAre400) {
  const Router router = make_router();
  for (const char* target :
       {"", "readyz", "*", "http://host/readyz", "/%", "/%2", "/%zz", "/readyz?a=%z"}) {
    EXPECT_EQ(router.answer("GET", target).status, 400) << target;
  }
}

TEST(ParseTarget, DecodesKeysAndValues) {
  const auto request = parse_target("GET", "/a%2Fb?k%3D=v%26&flag&&empty=");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->path, "/a/b");
  EXPECT_THAT(request->query, ElementsAre(Pair("empty", ""), Pair("flag", ""), Pair("k=", "v&")));
}

TEST(Problem, EscapesItsDetail) {
  EXPECT_EQ(problem(404, "a \"b\"\n\xff").body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
            "\"detail\":\"a \\\"b\\\"\\n?\"}\n");
  EXPECT_EQ(problem(400, "").body,
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400}\n");
}

}  // namespace
}  // namespace spool::admin
