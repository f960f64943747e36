#include "api/http/router.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

Router router() {
  return Router({{.method = "GET", .pattern = "/"},
                 {.method = "GET", .pattern = "/v1/models"},
                 {.method = "GET", .pattern = "/v1/models/{id*}"},
                 {.method = "POST", .pattern = "/v1/messages"},
                 {.method = "POST", .pattern = "/p/models/{id*}/load"}});
}

TEST(Router, MatchesWholePathsAndTakesNamesWithSlashes) {
  const Router r = router();
  EXPECT_EQ(r.find("GET", "/").route->pattern, "/");
  EXPECT_EQ(r.find("GET", "/v1/models").route->pattern, "/v1/models");
  EXPECT_EQ(r.find("GET", "/v1/models/org/name:tag").parameters, std::vector<std::string>{"org/name:tag"});
  EXPECT_EQ(r.find("POST", "/p/models/a/b/load").parameters, std::vector<std::string>{"a/b"});
  EXPECT_EQ(r.find("POST", "/p/models/load").route, nullptr);
  EXPECT_EQ(r.find("GET", "/v1/models/").route, nullptr);
  EXPECT_EQ(r.find("GET", "/v1").route, nullptr);
}

TEST(Router, AnswersHeadByGetAndTellsTheMethodsOfAPath) {
  const Router r = router();
  EXPECT_EQ(r.find("HEAD", "/v1/models").route->pattern, "/v1/models");
  EXPECT_EQ(r.find("GET", "/v1/messages").route, nullptr);
  EXPECT_EQ(r.find("GET", "/v1/messages").allowed, std::vector<std::string>{"POST"});
  EXPECT_TRUE(r.find("GET", "/nothing").allowed.empty());
}

TEST(Router, DecodesTargetsOnce) {
  const auto target = parse_target("/v1/a%2520b?beta=true&x=1%262&x=3");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/a%20b");
  EXPECT_EQ(target->query.at("beta"), "true");
  EXPECT_EQ(target->query.at("x"), "3");
  EXPECT_FALSE(parse_target("http://evil.example/"));
  EXPECT_FALSE(parse_target("/%zz"));
}

}  // namespace
}  // namespace pensieve::api
