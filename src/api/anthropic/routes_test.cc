#include "api/anthropic/routes.h"

#include <gmock/gmock.h>

#include "api/admin/fake_service.h"
#include "api/http/api_keys.h"
#include "api/http/fake_client.h"

namespace pensieve::api::anthropic {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

class AnthropicRoutes : public testing::Test {
 protected:
  AnthropicRoutes() {
    service_.script = {{0ms, Started{{.prompt_tokens = 5}}}, {0ms, text_delta("Hi")}, {0ms, Finished{.usage = {5, 2, 1, 0}}}};
  }

  RawAnswer post(std::string_view path, std::string_view body, std::string_view headers = {}) {
    if (!server_) server_.emplace(routes(service_, {}), HttpLimits{}, config_);
    FakeClient client(server_->port());
    client.send(request_text("POST", path, body, headers));
    return client.receive();
  }
  RawAnswer ask(const std::string& fields = "", std::string_view headers = {}) {
    return post("/v1/messages?beta=true", R"({"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"Hi"}])" + fields + "}",
                headers);
  }

  ScriptedService service_;
  ServerConfig config_;
  std::optional<RunningServer> server_;
};

TEST_F(AnthropicRoutes, AnswersWithAMessage) {
  const RawAnswer answer = ask("", "anthropic-version: 2023-06-01\r\nanthropic-beta: of-tomorrow-2030,x\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.header("x-pensieve-model"), "tiny");
  EXPECT_THAT(answer.header("request-id"), StartsWith("req_"));
  EXPECT_THAT(answer.body, StartsWith(R"({"id":"msg_)"));
  EXPECT_EQ(answer.body.find(R"(","type":"message")"), std::string(R"({"id":"msg_)").size() + 24);
}

TEST_F(AnthropicRoutes, StreamsTheOfficialEvents) {
  const RawAnswer answer = ask(R"(,"stream":true)");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/event-stream");
  EXPECT_THAT(answer.body, AllOf(StartsWith("event: message_start\n"), HasSubstr(R"("input_tokens":5)"),
                                 EndsWith("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")));
}

TEST_F(AnthropicRoutes, WhatTheRequestGetsLessOfIsInTheHeadersAndTheUsage) {
  for (ScriptedEvent& step : service_.script) step.degraded = "a context of 2048 tokens";
  for (const char* fields : {"", R"(,"stream":true)"}) {
    const RawAnswer answer = ask(fields);
    EXPECT_EQ(answer.header("x-pensieve-degraded"), "a context of 2048 tokens");
    EXPECT_THAT(answer.body, HasSubstr(R"("output_tokens":1,"pensieve":{"model":"tiny","decision":")" + answer.header("request-id") +
                                       R"(","degraded":"a context of 2048 tokens"}})"));
  }
}

TEST_F(AnthropicRoutes, WhatComesUpInMidAnswerIsInTheLastUsage) {
  service_.script[2].model = "smaller";
  service_.script[2].degraded = "smaller goes on for tiny";
  const RawAnswer answer = ask(R"(,"stream":true)");
  EXPECT_EQ(answer.header("x-pensieve-degraded"), "");
  EXPECT_THAT(answer.body, HasSubstr(R"("pensieve":{"model":"smaller","decision":")" + answer.header("request-id") +
                                     R"(","degraded":"smaller goes on for tiny"}}})"));
}

TEST_F(AnthropicRoutes, CountsTokens) {
  const std::string body = R"({"model":"auto","messages":[{"role":"user","content":"Hi"}]})";
  EXPECT_EQ(post("/v1/messages/count_tokens?beta=true", body).body, R"({"input_tokens":7})");
  EXPECT_THAT(post("/v1/messages/count_tokens", "{}").body, StartsWith(R"({"type":"error")"));
}

TEST_F(AnthropicRoutes, ARefusalIsAnErrorAnswerForStreamsToo) {
  service_.refusal = {ErrorCode::kNotFound, "there is no model 'none'", "", "model"};
  for (const char* fields : {"", R"(,"stream":true)"}) {
    const RawAnswer answer = ask(fields);
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, R"({"type":"error","error":{"type":"not_found_error","message":"there is no model 'none'"},"request_id":")" +
                               answer.header("request-id") + "\"}");
  }
}

TEST_F(AnthropicRoutes, AFailureInTheMiddleIsAnErrorEventAtTheEnd) {
  service_.script = {{0ms, Started{}}, {0ms, text_delta("Hi")}, {0ms, Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}}};
  const RawAnswer answer = ask(R"(,"stream":true)");
  EXPECT_THAT(answer.body, AllOf(HasSubstr("event: content_block_delta\n"), HasSubstr("event: error\ndata: {\"type\":\"error\"")));
  EXPECT_THAT(answer.body, EndsWith("\"request_id\":\"" + answer.header("request-id") + "\"}\n\n"));
  EXPECT_EQ(ask().status, 500);
}

TEST_F(AnthropicRoutes, AWrongKeyIsRefusedInTheOwnShape) {
  config_.api_key_hashes = {hash_api_key("secret")};
  const RawAnswer answer = ask("", "x-api-key: wrong\r\n");
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.body, StartsWith(R"({"type":"error","error":{"type":"authentication_error")"));
  EXPECT_EQ(ask("", "Authorization: bearer secret\r\n").status, 200);
}

}  // namespace
}  // namespace pensieve::api::anthropic
