#include <gmock/gmock.h>

#include "api/admin/fake_service.h"
#include "api/http/fake_client.h"
#include "api/openai/routes.h"

namespace pensieve::api::openai {
namespace {

using testing::HasSubstr;

class EmbeddingRoutes : public testing::Test {
 protected:
  RawAnswer ask(const std::string& body) {
    if (!server_) server_.emplace(embedding_routes(service_), HttpLimits{}, ServerConfig{});
    FakeClient client(server_->port());
    client.send(request_text("POST", "/v1/embeddings", body));
    return client.receive();
  }

  ScriptedService service_;
  std::optional<RunningServer> server_;
};

TEST_F(EmbeddingRoutes, GivesAVectorForEachInput) {
  EXPECT_EQ(ask(R"({"model":"m","input":["abc","de"]})").body,
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[3,1]},)"
            R"({"object":"embedding","index":1,"embedding":[2,1]}],"model":"tiny","usage":{"prompt_tokens":5,"total_tokens":5}})");
}

TEST_F(EmbeddingRoutes, EncodesLittleEndianFloatsAsBase64) {
  EXPECT_THAT(ask(R"({"model":"m","input":"ab","encoding_format":"base64"})").body, HasSubstr(R"("embedding":"AAAAQAAAgD8=")"));
}

TEST_F(EmbeddingRoutes, TakesTokensAndManyInputsInParts) {
  ask(R"({"model":"m","input":[1,2,3]})");
  EXPECT_EQ(service_.embedded.back().inputs[0].tokens, (std::vector<std::int32_t>{1, 2, 3}));
  ask(R"({"model":"m","input":[[1],[2,3]],"dimensions":8})");
  EXPECT_EQ(service_.embedded.back().inputs[1].tokens, (std::vector<std::int32_t>{2, 3}));
  EXPECT_EQ(service_.embedded.back().dimensions, 8);
  std::string many;
  for (int i = 0; i < 40; ++i) many += (i ? ",\"" : "\"") + std::string(static_cast<std::size_t>(i + 1), 'x') + "\"";
  service_.embedded.clear();
  const std::string body = ask(R"({"model":"m","input":[)" + many + "]}").body;
  EXPECT_THAT(body, HasSubstr(R"("index":39,"embedding":[40,1])"));
  EXPECT_GT(service_.embedded.size(), 1U);
}

TEST_F(EmbeddingRoutes, WrongBodiesNameTheField) {
  const std::pair<const char*, const char*> cases[] = {{R"({"input":"x"})", "model"},
                                                       {R"({"model":"m"})", "input"},
                                                       {R"({"model":"m","input":""})", "input"},
                                                       {R"({"model":"m","input":[]})", "input"},
                                                       {R"({"model":"m","input":[[]]})", "input"},
                                                       {R"({"model":"m","input":[1.5]})", "input"},
                                                       {R"({"model":"m","input":["x",{}]})", "input"},
                                                       {R"({"model":"m","input":"x","encoding_format":"hex"})", "encoding_format"},
                                                       {R"({"model":"m","input":"x","dimensions":0})", "dimensions"}};
  for (const auto& [body, param] : cases) {
    const RawAnswer answer = ask(body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, HasSubstr(std::string("\"param\":\"") + param + "\"")) << body;
  }
}

}  // namespace
}  // namespace pensieve::api::openai
