#include "api/ollama/routes.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "api/admin/fake_service.h"
#include "api/http/fake_client.h"
#include "api/ollama/request.h"
#include "gguf/fake_file.h"

namespace pensieve::api::ollama {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string model_bytes() {
  return gguf::FakeFile()
      .text("general.architecture", "llama")
      .number("llama.context_length", 4096)
      .text("tokenizer.chat_template", "{{ tools }}")
      .tensor("w", 32, 1)
      .bytes(128);
}

class OllamaRoutes : public testing::Test {
 protected:
  OllamaRoutes() : folder_(fs::temp_directory_path() / ("ollama-routes-" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "models");
    std::ofstream(folder_ / "models/tiny.gguf") << model_bytes();
    service_.present.models = {fake_model("tiny")};
    service_.present.default_model = "tiny";
    service_.script = {{0ms, Started{{.prompt_tokens = 5}}},
                       {0ms, text_delta("Hi \"you\"")},
                       {0ms, Finished{.usage = {5, 2, 1, 0}, .timings = {.prefill_us = 3, .decode_us = 4}}}};
  }
  ~OllamaRoutes() override { fs::remove_all(folder_); }

  RawAnswer send(std::string_view method, std::string_view path, std::string_view body = {}) {
    if (!server_) {
      catalog_.emplace(folder_ / "models", Config{}, gigabytes(1));
      library_.emplace(*catalog_, folder_ / "models", folder_ / "names.toml");
      server_.emplace(routes({service_, *library_, "1.2"}), HttpLimits{}, ServerConfig{});
    }
    FakeClient client(server_->port());
    client.send(request_text(method, path, body));
    return client.receive();
  }
  RawAnswer chat(const std::string& fields = "") {
    return send("POST", "/api/chat", R"({"model":"tiny:latest","messages":[{"role":"user","content":"Hi"}])" + fields + "}");
  }

  fs::path folder_;
  ScriptedService service_;
  std::optional<ModelCatalog> catalog_;
  std::optional<ModelLibrary> library_;
  std::optional<RunningServer> server_;
};

TEST_F(OllamaRoutes, StreamsALineForEachPieceAndOneWithTheFigures) {
  const RawAnswer answer = chat();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/x-ndjson");
  EXPECT_THAT(answer.body, StartsWith(R"({"model":"tiny:latest","created_at":"20)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("message":{"role":"assistant","content":"Hi \"you\""},"done":false})"));
  EXPECT_THAT(answer.body, HasSubstr(R"("done":true,"done_reason":"stop","total_duration":)"));
  EXPECT_THAT(answer.body, HasSubstr("\"prompt_eval_count\":5,\"prompt_eval_duration\":3000,\"eval_count\":1,\"eval_duration\":4000,"));
  EXPECT_THAT(answer.body, EndsWith(",\"pensieve\":{\"model\":\"tiny\",\"decision\":\"" + answer.header("x-pensieve-decision") +
                                    "\",\"degraded\":null}}\n"));
}

TEST_F(OllamaRoutes, CountsTokensGuessedAhead) {
  service_.script = {{0ms, Started{}},
                     {0ms, text_delta("a")},
                     {0ms, Finished{.usage = {.completion_tokens = 9, .accepted_prediction_tokens = 3, .rejected_prediction_tokens = 1}}}};
  EXPECT_THAT(chat().body, EndsWith(R"("degraded":null,"accepted_prediction_tokens":3,"rejected_prediction_tokens":1}})"
                                    "\n"));
  EXPECT_THAT(chat(R"(,"stream":false)").body, EndsWith(R"("accepted_prediction_tokens":3,"rejected_prediction_tokens":1}})"));
}

TEST_F(OllamaRoutes, AnswersWholeInOneObject) {
  const RawAnswer answer = chat(R"(,"stream":false)");
  EXPECT_EQ(answer.header("content-type"), "application/json; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr(R"("content":"Hi \"you\""},"done":true)"));
}

TEST_F(OllamaRoutes, ToolCallsGoOutWholeWithObjectsAsArguments) {
  service_.script = {{0ms, Started{}},
                     {0ms, ToolCallDelta{.index = 0, .id = "c1", .name = "f"}},
                     {0ms, ToolCallDelta{.index = 0, .arguments_delta = R"({"a":)"}},
                     {0ms, ToolCallDelta{.index = 0, .arguments_delta = "1}"}},
                     {0ms, ToolCallDelta{.index = 1, .id = "c2", .name = "g", .arguments_delta = "{}"}},
                     {0ms, Finished{.reason = StopReason::kToolCalls}}};
  const std::string body = chat().body;
  EXPECT_THAT(body, HasSubstr(R"("tool_calls":[{"id":"c1","function":{"index":0,"name":"f","arguments":{"a":1}}}])"));
  EXPECT_THAT(body, HasSubstr(R"("tool_calls":[{"id":"c2","function":{"index":1,"name":"g","arguments":{}}}])"));
  EXPECT_EQ(std::ranges::count(body, '\n'), 3);
}

TEST_F(OllamaRoutes, AGeneratedAnswersContextGoesOnWithTheConversation) {
  const std::string first = send("POST", "/api/generate", R"({"model":"tiny","prompt":"One","stream":false})").body;
  const std::string context = first.substr(first.find("\"context\""), first.rfind('}') - first.find("\"context\""));
  send("POST", "/api/generate", R"({"model":"tiny","prompt":"Two","stream":false,)" + context + "}");
  std::vector<std::string> texts;
  for (const Message& message : service_.requests.back().messages) texts.push_back(message.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"One", "Hi \"you\"", "Two"}));
}

TEST_F(OllamaRoutes, KeepAliveKeepsOrUnloads) {
  chat(R"(,"keep_alive":"2m")");
  send("GET", "/");  // it is kept after the answer has gone out, and before the next request
  ASSERT_EQ(service_.kept.size(), 1U);
  EXPECT_EQ(service_.kept[0], std::pair(std::string("tiny"), KeepAlive(120s)));
  service_.present.models[0].state = ModelState::kReady;
  EXPECT_THAT(send("POST", "/api/generate", R"({"model":"tiny","keep_alive":0})").body, HasSubstr(R"("done_reason":"unload")"));
  EXPECT_EQ(service_.present.models[0].state, ModelState::kUnloaded);
  EXPECT_THAT(send("POST", "/api/chat", R"({"model":"tiny"})").body, HasSubstr(R"("done_reason":"load")"));
  EXPECT_EQ(service_.present.models[0].state, ModelState::kReady);
}

TEST_F(OllamaRoutes, ErrorsAreATextAndAFailureInTheMiddleIsTheLastLine) {
  service_.script = {{0ms, Started{}}, {0ms, text_delta("Hi")}, {0ms, Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}}};
  EXPECT_THAT(chat().body, EndsWith("{\"error\":\"gone\"}\n"));
  EXPECT_EQ(chat(R"(,"stream":false)").status, 502);
  service_.refusal = {ErrorCode::kNotFound, "model 'x' is not installed", "", "model"};
  const RawAnswer missing = chat();
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"error":"not found: model 'x' is not installed"})");
  service_.refusal = {ErrorCode::kOverloaded, "full", "", ""};
  EXPECT_EQ(chat().status, 503);
  EXPECT_THAT(send("GET", "/api/nothing").body, StartsWith(R"({"error":")"));
}

TEST_F(OllamaRoutes, ListsShowsCopiesAndDeletes) {
  EXPECT_THAT(send("GET", "/api/tags").body, AllOf(HasSubstr(R"("name":"auto:latest")"), HasSubstr(R"("name":"tiny:latest")")));
  const std::string shown = send("POST", "/api/show", R"({"model":"tiny:latest"})").body;
  EXPECT_THAT(shown, AllOf(HasSubstr(R"("llama.context_length":4096)"), HasSubstr(R"("capabilities":["completion","tools"])")));
  EXPECT_EQ(send("POST", "/api/copy", R"({"source":"tiny","destination":"Other:latest"})").status, 200);
  EXPECT_THAT(send("GET", "/api/tags").body, HasSubstr(R"("name":"other:latest")"));
  EXPECT_TRUE(ModelNames(folder_ / "names.toml").all().contains("other"));
  EXPECT_EQ(send("POST", "/api/show", R"({"model":"other"})").status, 200);
  EXPECT_EQ(send("POST", "/api/copy", R"({"source":"tiny","destination":"auto"})").status, 400);
  EXPECT_EQ(send("POST", "/api/copy", R"({"source":"tiny","destination":"a\nb"})").status, 400);
  EXPECT_EQ(send("DELETE", "/api/delete", R"({"model":"other"})").status, 200);
  EXPECT_EQ(send("DELETE", "/api/delete", R"({"model":"auto"})").status, 404);
  EXPECT_TRUE(fs::exists(folder_ / "models/tiny.gguf"));
  EXPECT_EQ(send("DELETE", "/api/delete", R"({"model":"tiny"})").status, 200);
  EXPECT_FALSE(fs::exists(folder_ / "models/tiny.gguf"));
  EXPECT_EQ(send("POST", "/api/show", R"({"model":"tiny"})").status, 404);
}

TEST_F(OllamaRoutes, RunningModelsTellTheirMemory) {
  EXPECT_EQ(send("GET", "/api/ps").body, R"({"models":[]})");
  service_.present.models[0].state = ModelState::kReady;
  service_.present.models[0].weights_bytes = 100;
  service_.present.models[0].kv_bytes = 20;
  EXPECT_THAT(send("GET", "/api/ps").body, AllOf(HasSubstr(R"("size":120)"), HasSubstr(R"("expires_at":"2)")));
}

TEST_F(OllamaRoutes, WhatCantBeDoneIsRefusedInWords) {
  const RawAnswer create = send("POST", "/api/create", R"({"model":"x","from":"tiny"})");
  EXPECT_EQ(create.status, 400);
  EXPECT_THAT(create.body, HasSubstr("can't be created"));
  EXPECT_THAT(send("POST", "/api/pull", R"({"model":"no-such-model"})").body, HasSubstr("the catalog has no model"));
  EXPECT_THAT(send("POST", "/api/pull", R"({"model":"tiny"})").body, EndsWith("{\"status\":\"success\"}\n"));
  EXPECT_THAT(send("POST", "/api/pull", R"({"model":"http://127.0.0.1:1/x.gguf"})").body, HasSubstr("\n{\"error\":"));
  EXPECT_THAT(send("GET", "/api/version").body, HasSubstr(R"("pensieve":"1.2")"));
}

}  // namespace
}  // namespace pensieve::api::ollama
