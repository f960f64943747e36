#include "api/openai/routes.h"

#include <gmock/gmock.h>

#include "api/admin/fake_service.h"
#include "api/http/api_keys.h"
#include "api/http/fake_client.h"
#include "api/json_value.h"

namespace pensieve::api::openai {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

class OpenAiRoutes : public testing::Test {
 protected:
  OpenAiRoutes() {
    service_.script = {{0ms, Started{{.prompt_tokens = 5}}}, {0ms, text_delta("Hi")}, {0ms, Finished{.usage = {5, 2, 1, 0}}}};
  }

  RawAnswer post(std::string_view path, std::string_view body, std::string_view headers = {}) {
    if (!server_) server_.emplace(routes(service_, {}), HttpLimits{}, config_);
    FakeClient client(server_->port());
    client.send(request_text("POST", path, body, headers));
    return client.receive();
  }
  RawAnswer chat(const std::string& fields = "", std::string_view headers = {}) {
    return post("/v1/chat/completions", R"({"model":"auto","messages":[{"role":"user","content":"Hi"}])" + fields + "}", headers);
  }

  ScriptedService service_;
  ServerConfig config_;
  std::optional<RunningServer> server_;
};

TEST_F(OpenAiRoutes, AnswersAChat) {
  const RawAnswer answer = chat();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.header("x-pensieve-model"), "tiny");
  EXPECT_EQ(answer.header("x-pensieve-decision"), answer.header("x-request-id"));
  EXPECT_THAT(answer.header("x-request-id"), StartsWith("req_"));
  const auto body = parse_body(answer.body);
  ASSERT_TRUE(body) << answer.body;
  EXPECT_EQ(body->at("id").get_string().size(), std::string("chatcmpl-").size() + 24);
  EXPECT_THAT(body->at("id").get_string(), StartsWith("chatcmpl-"));
  EXPECT_EQ(body->at("model").get_string(), "tiny");
  EXPECT_GT(body->at("created").as_number(), 1.7e9);
}

TEST_F(OpenAiRoutes, AnswersALegacyCompletion) {
  const RawAnswer answer = post("/v1/completions", R"({"model":"auto","prompt":["a","b"],"n":2})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, AllOf(StartsWith(R"({"id":"cmpl-)"), HasSubstr(R"("index":3,"text":"Hi")"), Not(HasSubstr(R"("index":4)"))));
  EXPECT_THAT(answer.body, HasSubstr(R"("usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14)"));
}

TEST_F(OpenAiRoutes, StreamsEndWithDone) {
  const RawAnswer answer = chat(R"(,"stream":true)");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/event-stream");
  EXPECT_EQ(answer.header("cache-control"), "no-cache");
  EXPECT_EQ(answer.header("x-pensieve-model"), "tiny");
  EXPECT_THAT(answer.body, AllOf(StartsWith("data: {\"id\":\"chatcmpl-"), EndsWith("\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")));
  EXPECT_LT(answer.body.find(R"("role":"assistant")"), answer.body.find(R"("content":"Hi")"));
}

TEST_F(OpenAiRoutes, ManyChoicesStreamInOneAndAreCountedTogether) {
  const RawAnswer answer = chat(R"(,"stream":true,"n":3,"stream_options":{"include_usage":true})");
  for (const char* start : {R"({"index":0,"delta":{"role")", R"({"index":1,"delta":{"role")", R"({"index":2,"delta":{"role")"}) {
    EXPECT_THAT(answer.body, HasSubstr(start));
  }
  EXPECT_THAT(answer.body, HasSubstr(R"("choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8)"));
}

TEST_F(OpenAiRoutes, ARefusalIsAnErrorAnswerForStreamsToo) {
  service_.refusal = {ErrorCode::kOverloaded, "too many requests", "", ""};
  for (const char* fields : {"", R"(,"stream":true)", R"(,"n":2)"}) {
    const RawAnswer answer = chat(fields);
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.header("retry-after"), "2");
    EXPECT_EQ(answer.body,
              R"({"error":{"message":"too many requests","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})");
  }
}

TEST_F(OpenAiRoutes, AFailureBeforeTheFirstTokenIsAnErrorAnswerToo) {
  service_.script = {{0ms, Failed{{ErrorCode::kContextOverflow, "prompt is too long: 9 tokens > 8 maximum", "", "messages"}}}};
  const RawAnswer answer = chat(R"(,"stream":true)");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"context_length_exceeded")"));
}

TEST_F(OpenAiRoutes, AFailureInTheMiddleIsAnEventAndNothingIsCalledDone) {
  service_.script = {{0ms, Started{}}, {0ms, text_delta("Hi")}, {0ms, Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}}};
  EXPECT_THAT(chat(R"(,"stream":true)").body, AllOf(HasSubstr("\"content\":\"Hi\""), EndsWith("\"code\":\"worker_lost\"}}\n\n")));
  EXPECT_EQ(chat().status, 502);
}

TEST_F(OpenAiRoutes, WhatTheRequestGetsLessOfIsInTheHeadersAndTheUsage) {
  for (ScriptedEvent& step : service_.script) step.degraded = "a context of 2048 tokens";
  RawAnswer answer = chat();
  EXPECT_EQ(answer.header("x-pensieve-degraded"), "a context of 2048 tokens");
  EXPECT_THAT(answer.body, HasSubstr(R"("rejected_prediction_tokens":0},"pensieve":{"model":"tiny","decision":")" +
                                     answer.header("x-request-id") + R"(","degraded":"a context of 2048 tokens"}})"));
  answer = chat(R"(,"stream":true,"stream_options":{"include_usage":true})");
  EXPECT_EQ(answer.header("x-pensieve-degraded"), "a context of 2048 tokens");
  EXPECT_THAT(answer.body, HasSubstr(R"("degraded":"a context of 2048 tokens"}}})"));
  answer = chat(R"(,"stream":true)");
  EXPECT_THAT(answer.body, Not(HasSubstr("pensieve"))) << "the headers say all of it";
}

TEST_F(OpenAiRoutes, WhatComesUpInMidAnswerIsInTheLastChunk) {
  service_.script[2].model = "smaller";
  service_.script[2].degraded = "smaller goes on for tiny";
  const std::string disclosed = R"("degraded":"smaller goes on for tiny"})";
  RawAnswer answer = chat(R"(,"stream":true)");
  EXPECT_EQ(answer.header("x-pensieve-model"), "tiny");
  EXPECT_EQ(answer.header("x-pensieve-degraded"), "");
  EXPECT_THAT(answer.body, HasSubstr(R"("finish_reason":"stop"}],"pensieve":{"model":"smaller",)"));
  EXPECT_THAT(answer.body, EndsWith(disclosed + "}\n\ndata: [DONE]\n\n"));
  answer = chat(R"(,"stream":true,"stream_options":{"include_usage":true})");
  EXPECT_THAT(answer.body, EndsWith(disclosed + "}}\n\ndata: [DONE]\n\n"));
  answer = chat();
  EXPECT_EQ(answer.header("x-pensieve-model"), "smaller") << "nothing was sent before the end was known";
  EXPECT_THAT(answer.body, HasSubstr(disclosed));
}

TEST_F(OpenAiRoutes, KnobsAreChecked) {
  const RawAnswer answer = chat("", "X-Pensieve-Quality: best\r\n");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("X-Pensieve-Quality must be good, high or maximum"));
  EXPECT_THAT(chat("", "X-Pensieve-Priority: urgent\r\n").body, HasSubstr("X-Pensieve-Priority must be interactive or batch"));
  EXPECT_EQ(chat("", "X-Pensieve-Priority: batch\r\n").status, 200);
}

TEST_F(OpenAiRoutes, AWrongKeyIsRefusedInTheOwnShape) {
  config_.api_key_hashes = {hash_api_key("secret")};
  const RawAnswer answer = chat("", "Authorization: Bearer wrong\r\n");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.body, AllOf(StartsWith(R"({"error":{"message":)"), HasSubstr(R"("code":"invalid_api_key")")));
  EXPECT_EQ(chat("", "Authorization: bearer secret\r\n").status, 200);
}

}  // namespace
}  // namespace pensieve::api::openai
