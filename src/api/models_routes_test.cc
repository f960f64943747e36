#include "api/models_routes.h"

#include <gmock/gmock.h>

#include "api/admin/fake_service.h"
#include "api/http/fake_client.h"

namespace pensieve::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kAnthropic = "anthropic-version: 2023-06-01\r\n";

class ModelsRoutes : public testing::Test {
 protected:
  ModelsRoutes() {
    for (const char* id : {"org/tiny", "other"}) {
      ModelStatus& model = service_.present.models.emplace_back(fake_model(id));
      model.created_unix = 1'700'000'000;
      model.context_tokens = 8192;
    }
    service_.present.default_model = "org/tiny";
  }
  RawAnswer get(std::string_view path, std::string_view headers = {}) {
    if (!server_) server_.emplace(models_routes(service_));
    FakeClient client(server_->port());
    client.send(request_text("GET", path, {}, headers));
    return client.receive();
  }

  ScriptedService service_;
  std::optional<RunningServer> server_;
};

TEST_F(ModelsRoutes, ListsInOpenAisShapeWithAutoFirst) {
  const std::string entry = R"("object":"model","created":1700000000,"owned_by":"local","context_length":8192,"max_model_len":8192})";
  EXPECT_EQ(get("/v1/models").body,
            R"({"object":"list","data":[{"id":"auto",)" + entry + R"(,{"id":"org/tiny",)" + entry + R"(,{"id":"other",)" + entry + "]}");
}

TEST_F(ModelsRoutes, ListsInAnthropicsShapeForItsClients) {
  const std::string body = get("/v1/models?limit=1000", kAnthropic).body;
  EXPECT_THAT(body, StartsWith(R"({"data":[{"type":"model","id":"auto","display_name":"org/tiny","created_at":"2023-11-14T22:13:20Z",)"));
  EXPECT_THAT(body, HasSubstr(R"("has_more":false,"first_id":"auto","last_id":"other"})"));
}

TEST_F(ModelsRoutes, PagesAnthropicsList) {
  EXPECT_THAT(get("/v1/models?limit=2", kAnthropic).body, HasSubstr(R"("has_more":true,"first_id":"auto","last_id":"org/tiny"})"));
  EXPECT_THAT(get("/v1/models?limit=2&after_id=org%2Ftiny", kAnthropic).body,
              HasSubstr(R"("has_more":false,"first_id":"other","last_id":"other"})"));
  EXPECT_THAT(get("/v1/models?limit=1&before_id=other", kAnthropic).body,
              HasSubstr(R"("has_more":true,"first_id":"org/tiny","last_id":"org/tiny"})"));
  EXPECT_EQ(get("/v1/models?after_id=other", kAnthropic).body, R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
  for (const char* wrong : {"limit=0", "limit=x", "limit=1001", "after_id=none", "before_id=none", "after_id=auto&before_id=other"}) {
    EXPECT_EQ(get(std::string("/v1/models?") + wrong, kAnthropic).status, 400) << wrong;
  }
}

TEST_F(ModelsRoutes, ListsNothingWithoutModels) {
  service_.present = {};
  EXPECT_EQ(get("/v1/models").body, R"({"object":"list","data":[]})");
  EXPECT_EQ(get("/v1/models", kAnthropic).body, R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
}

TEST_F(ModelsRoutes, TellsOfOneWhoseIdHasASlash) {
  EXPECT_THAT(get("/v1/models/org/tiny").body, StartsWith(R"({"id":"org/tiny","object":"model")"));
  EXPECT_THAT(get("/v1/models/org%2Ftiny", kAnthropic).body, StartsWith(R"({"type":"model","id":"org/tiny")"));
}

TEST_F(ModelsRoutes, AnUnknownOneIsNotFoundInEachShape) {
  const RawAnswer openai = get("/v1/models/none");
  EXPECT_EQ(openai.status, 404);
  EXPECT_THAT(openai.body, HasSubstr(R"("code":"model_not_found")"));
  const RawAnswer anthropic = get("/v1/models/none", kAnthropic);
  EXPECT_EQ(anthropic.status, 404);
  EXPECT_THAT(anthropic.body, StartsWith(R"({"type":"error","error":{"type":"not_found_error")"));
}

}  // namespace
}  // namespace pensieve::api
