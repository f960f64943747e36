#include "api/http/router.h"

#include <gmock/gmock.h>

#include "api/http/target.h"

namespace pensieve::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Route route(std::string method, std::string pattern) { return {.method = std::move(method), .pattern = std::move(pattern), .handler = {}}; }

RouteMatch match(const Router& router, std::string_view method, std::string_view path) {
  return router.match(method, parse_target(path).value().segments);
}

std::string pattern_for(const Router& router, std::string_view method, std::string_view path) {
  const RouteMatch found = match(router, method, path);
  return found.route == nullptr ? "none" : found.route->pattern;
}

TEST(Router, PrefersTheMostSpecificPattern) {
  const Router router({route("GET", "/v1/{rest*}"), route("GET", "/v1/models/{id}"), route("GET", "/v1/models/all")});
  EXPECT_EQ(pattern_for(router, "GET", "/v1/models/all"), "/v1/models/all");
  EXPECT_EQ(pattern_for(router, "GET", "/v1/models/a"), "/v1/models/{id}");
  EXPECT_EQ(pattern_for(router, "GET", "/v1/models/a/b"), "/v1/{rest*}");
  EXPECT_EQ(pattern_for(router, "GET", "/v2/models"), "none");
}

TEST(Router, GivesIdsWithSlashesToTheRestPattern) {
  const Router router({route("POST", "/models/{id...}/load"), route("GET", "/models/{id*}")});
  EXPECT_THAT(match(router, "POST", "/models/org/name/load").parameters, ElementsAre("org/name"));
  EXPECT_THAT(match(router, "POST", "/models/name/load").parameters, ElementsAre("name"));
  EXPECT_EQ(match(router, "POST", "/models/load").route, nullptr);
  EXPECT_THAT(match(router, "GET", "/models/a/b/c").parameters, ElementsAre("a/b/c"));
}

TEST(Router, DecodesParametersExactlyOnce) {
  const Router router({route("GET", "/m/{id}")});
  EXPECT_THAT(match(router, "GET", "/m/a%2Fb").parameters, ElementsAre("a/b"));
  EXPECT_THAT(match(router, "GET", "/m/a%252Fb").parameters, ElementsAre("a%2Fb"));
  EXPECT_THAT(match(router, "GET", "/m/a+b").parameters, ElementsAre("a+b"));
}

TEST(Router, IgnoresEmptySegments) {
  const Router router({route("GET", "/v1/models")});
  EXPECT_EQ(pattern_for(router, "GET", "//v1/models"), "/v1/models");
  EXPECT_EQ(pattern_for(router, "GET", "/v1/models/"), "/v1/models");
}

TEST(Router, AnswersHeadByTheGetRouteUnlessItHasItsOwn) {
  const Router router({route("GET", "/a"), route("HEAD", "/b"), route("GET", "/b")});
  EXPECT_EQ(match(router, "HEAD", "/a").route->method, "GET");
  EXPECT_EQ(match(router, "HEAD", "/b").route->method, "HEAD");
}

TEST(Router, NamesTheMethodsOfAKnownPath) {
  const Router router({route("GET", "/a"), route("POST", "/a")});
  EXPECT_EQ(match(router, "DELETE", "/a").allow, "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(match(router, "DELETE", "/a").route, nullptr);
  EXPECT_THAT(match(router, "GET", "/b").allow, IsEmpty());
}

TEST(Router, MatchesTheRootPath) {
  const Router router({route("GET", "/")});
  EXPECT_EQ(pattern_for(router, "GET", "/"), "/");
  EXPECT_EQ(pattern_for(router, "GET", "/x"), "none");
}

TEST(ErrorShape, FollowsTheRouteOrTheApiOfThePath) {
  Route both = route("GET", "/v1/models");
  both.errors = ErrorShape::kOpenAi;
  Route plain = route("GET", "/health");
  EXPECT_EQ(error_shape(&both, "/v1/models", false), ErrorShape::kOpenAi);
  EXPECT_EQ(error_shape(&both, "/v1/models", true), ErrorShape::kAnthropic);
  EXPECT_EQ(error_shape(&plain, "/health", true), ErrorShape::kPlain);
  EXPECT_EQ(error_shape(nullptr, "/v1/messages/batches", false), ErrorShape::kAnthropic);
  EXPECT_EQ(error_shape(nullptr, "/v1/files", false), ErrorShape::kOpenAi);
  EXPECT_EQ(error_shape(nullptr, "/v1/files", true), ErrorShape::kAnthropic);
  EXPECT_EQ(error_shape(nullptr, "/nothing", false), ErrorShape::kPlain);
}

TEST(Target, TakesPathAndQueryApart) {
  const Target target = parse_target("/v1/messages?beta=true&x=a+b%21&x=2&empty").value();
  EXPECT_EQ(target.path, "/v1/messages");
  EXPECT_EQ(target.query.at("beta"), "true");
  EXPECT_EQ(target.query.at("x"), "2");
  EXPECT_EQ(target.query.at("empty"), "");
}

TEST(Target, UnderstandsTheAbsoluteForm) {
  const Target target = parse_target("http://example.org:80/v1/models?a=b").value();
  EXPECT_EQ(target.path, "/v1/models");
  EXPECT_EQ(target.authority, "example.org:80");
}

TEST(Target, RefusesWhatIsNoPath) {
  for (const char* text : {"", "v1/models", "/a b", "/a%zz", "/a%", "ftp://host/a", "http:///a", "/\xC3\xA4", "host:443"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

}  // namespace
}  // namespace pensieve::api
