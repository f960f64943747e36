#include "api/responses/routes.h"

#include <gmock/gmock.h>

#include <regex>

#include "api/admin/fake_service.h"
#include "api/fake_image.h"
#include "api/http/fake_client.h"
#include "api/json_value.h"

namespace pensieve::api::responses {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

class Responses : public testing::Test {
 protected:
  Responses() {
    service_.script = {{0ms, Started{{.prompt_tokens = 5}}},
                       {0ms, text_delta("Hi")},
                       {0ms, text_delta(" you")},
                       {0ms, Finished{.usage = {.prompt_tokens = 5, .cached_prompt_tokens = 2, .completion_tokens = 3}}}};
  }
  RawAnswer send(std::string_view method, std::string_view path, std::string_view body = {}) {
    if (!server_) server_.emplace(routes(service_, {}), HttpLimits{}, ServerConfig{});
    FakeClient client(server_->port());
    client.send(request_text(method, path, body));
    return client.receive();
  }
  RawAnswer ask(const std::string& fields = "") {
    return send("POST", "/v1/responses", R"({"model":"auto","input":"Hello")" + fields + "}");
  }
  static std::string field(const std::string& body, const std::string& name) {
    std::smatch match;
    std::regex_search(body, match, std::regex("\"" + name + "\":\"([^\"]*)\""));
    return match[1];
  }
  static std::vector<std::string> event_types(const std::string& body) {
    std::vector<std::string> types;
    const std::regex event("event: response\\.([^\\n]*)\\ndata: (\\{.*\\})\\n\\n");
    std::int64_t number = 0;
    for (std::sregex_iterator one(body.begin(), body.end(), event), end; one != end; ++one) {
      types.push_back((*one)[1]);
      const Result<Json> data = parse_body((*one)[2].str());
      EXPECT_TRUE(data) << (*one)[2].str();
      EXPECT_EQ(Fields::of(*data, "")->integer("sequence_number", 0, 1000)->value_or(-1), number++);
    }
    return types;
  }

  ScriptedService service_;
  std::optional<RunningServer> server_;
};

TEST_F(Responses, AnswersWithAResponseObject) {
  const RawAnswer answer = ask(R"(,"instructions":"Be brief","metadata":{"a":"b"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, StartsWith(R"({"id":"resp_)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("status":"completed")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Hi you"}])"));
  EXPECT_THAT(answer.body, HasSubstr(R"("usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":2},"output_tokens":3)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("total_tokens":8,"pensieve":{"model":)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("instructions":"Be brief")"));
  EXPECT_TRUE(parse_body(answer.body)) << answer.body;
}

TEST_F(Responses, StreamsEachEventInItsOrder) {
  const RawAnswer answer = ask(R"(,"stream":true)");
  EXPECT_THAT(event_types(answer.body),
              ElementsAre("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
                          "output_text.done", "content_part.done", "output_item.done", "completed"));
  EXPECT_THAT(answer.body, HasSubstr(R"("output_index":0,"content_index":0,"delta":" you")"));
}

TEST_F(Responses, StreamsThinkingAndCallsAsItemsOfTheirOwn) {
  service_.script = {{0ms, Started{}},
                     {0ms, Delta{.reasoning = "hm"}},
                     {0ms, ToolCallDelta{.index = 0, .id = "call_1", .name = "f", .arguments_delta = "{\"a\""}},
                     {0ms, ToolCallDelta{.index = 0, .arguments_delta = ":1}"}},
                     {0ms, ToolCallDelta{.index = 1, .id = "call_2", .name = "g", .arguments_delta = "{}"}},
                     {0ms, Finished{.reason = StopReason::kToolCalls}}};
  const RawAnswer answer =
      ask(R"(,"stream":true,"tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"g","parameters":{}}]},)"
          R"({"type":"function","name":"f","parameters":{}},{"type":"web_search"}])");
  EXPECT_THAT(
      event_types(answer.body),
      ElementsAre("created", "in_progress", "output_item.added", "content_part.added", "reasoning_text.delta", "reasoning_text.done",
                  "content_part.done", "output_item.done", "output_item.added", "function_call_arguments.delta",
                  "function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "output_item.added",
                  "function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed"));
  EXPECT_THAT(answer.body, HasSubstr(R"("arguments":"{\"a\":1}","call_id":"call_1","name":"f"})"));
  EXPECT_THAT(answer.body, HasSubstr(R"("name":"g","namespace":"n")"));
  EXPECT_EQ(service_.requests.back().tools.size(), 2U);
}

TEST_F(Responses, ACutAnswerIsIncompleteAndAFailedStreamSaysSo) {
  service_.script.back().event = Finished{.reason = StopReason::kMaxTokens};
  EXPECT_THAT(ask(R"(,"max_output_tokens":2)").body, HasSubstr(R"("incomplete_details":{"reason":"max_output_tokens"})"));
  service_.script.back().event = Failed{{ErrorCode::kWorkerLost, "gone", "", ""}};
  const std::string body = ask(R"(,"stream":true)").body;
  EXPECT_EQ(event_types(body).back(), "failed");
  EXPECT_THAT(body, HasSubstr(R"("error":{"code":"worker_lost","message":"gone"})"));
  EXPECT_EQ(ask().status, 502);
  service_.refusal = {ErrorCode::kNotFound, "no model", "", "model"};
  EXPECT_EQ(ask(R"(,"stream":true)").status, 404);
}

TEST_F(Responses, LeavesOutTheToolsThatAreNotAllowed) {
  ask(R"(,"tools":[{"type":"function","name":"f","parameters":{}},{"type":"function","name":"g","parameters":{}},{"type":"web_search"}],)"
      R"("tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"},{"type":"web_search"}]})");
  const GenerationRequest& request = service_.requests.back();
  ASSERT_EQ(request.tools.size(), 1U);
  EXPECT_EQ(request.tools[0].name, "g");
  EXPECT_EQ(request.tool_choice, ToolChoice::kRequired);
}

TEST_F(Responses, GoesOnFromAnEarlierOneWithoutItsInstructions) {
  const std::string first = field(ask(R"(,"instructions":"Be brief")").body, "id");
  ask(R"(,"instructions":"Be long","previous_response_id":")" + first + "\"");
  std::vector<std::string> texts;
  for (const Message& message : service_.requests.back().messages) texts.push_back(message.text);
  EXPECT_THAT(texts, ElementsAre("Be long", "Hello", "Hi you", "Hello"));
  const RawAnswer unknown = ask(R"(,"previous_response_id":"resp_none")");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr(R"("param":"previous_response_id")"));
  const std::string unkept = field(ask(R"(,"store":false)").body, "id");
  EXPECT_EQ(ask(R"(,"previous_response_id":")" + unkept + "\"").status, 404);
}

TEST_F(Responses, KeptOnesAreShownListedAndDeleted) {
  const RawAnswer answer = send("POST", "/v1/responses",
                                R"({"model":"auto","input":[{"role":"user","content":"One"},{"type":"message","role":"user",)"
                                R"("content":[{"type":"input_text","text":"Two"}],"id":"msg_x"}]})");
  const std::string path = "/v1/responses/" + field(answer.body, "id");
  EXPECT_EQ(send("GET", path).body, answer.body);
  const std::string newest = send("GET", path + "/input_items?limit=1").body;
  EXPECT_THAT(newest, HasSubstr(R"("data":[{"id":"msg_x")"));
  EXPECT_THAT(newest, HasSubstr(R"("has_more":true)"));
  EXPECT_THAT(send("GET", path + "/input_items?after=msg_x").body, HasSubstr("\"One\""));
  EXPECT_EQ(send("GET", path + "/input_items?limit=0").status, 400);
  EXPECT_THAT(send("DELETE", path).body, HasSubstr(R"("deleted":true)"));
  EXPECT_EQ(send("GET", path).status, 404);
  EXPECT_EQ(send("DELETE", path).status, 404);
}

TEST_F(Responses, ItemsBecomeTurns) {
  const std::string answer = ask().body;
  const std::string item = field(answer.substr(answer.find("\"output\":")), "id");
  send("POST", "/v1/responses",
       R"({"model":"auto","input":[{"type":"item_reference","id":")" + item +
           R"("},{"role":"developer","content":"D"},)"
           R"({"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},{"role":"assistant","content":"A"},)"
           R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}"},)"
           R"({"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"3"}]}]})");
  const std::vector<Message>& messages = service_.requests.back().messages;
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].text, "Hi you");
  EXPECT_EQ(messages[1].role, Role::kSystem);
  EXPECT_EQ(messages[2].reasoning, "hm");
  EXPECT_EQ(messages[2].text, "A");
  EXPECT_EQ(messages[2].tool_calls.size(), 1U);
  EXPECT_EQ(messages[3].role, Role::kTool);
  EXPECT_EQ(messages[3].text, "3");
}

TEST_F(Responses, FormatAndChoiceReachTheRequest) {
  ask(R"(,"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"}}},"tools":[{"type":"function","name":"f"}],)"
      R"("tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false)");
  const GenerationRequest& request = service_.requests.back();
  EXPECT_EQ(request.output_schema, R"({"type":"object"})");
  EXPECT_EQ(request.tool_choice_name, "f");
  EXPECT_FALSE(request.parallel_tool_calls);
}

TEST_F(Responses, AdaptersReachTheRequest) {
  ask(R"(,"lora":[{"name":"sql","scale":0.5},{"name":"tone"}])");
  const std::vector<AdapterUse>& adapters = service_.requests.back().adapters;
  ASSERT_EQ(adapters.size(), 2U);
  EXPECT_EQ(adapters[0].name, "sql");
  EXPECT_EQ(adapters[0].scale, 0.5);
  EXPECT_EQ(adapters[1].scale, std::nullopt);
}

TEST_F(Responses, WrongBodiesNameTheField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"model":"m"})", "input"},
      {R"({"model":"m","input":[]})", "input"},
      {R"({"model":"m","input":3})", "input"},
      {R"({"model":"m","input":[{"type":"magic"}]})", "input[0].type"},
      {R"({"model":"m","input":[{"role":"king","content":"x"}]})", "input[0].role"},
      {R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image"}]}]})", "input[0].content[0].image_url"},
      {R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]})", "input[0].content[0].file_id"},
      {R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,aGk="}]}]})",
       "input[0].content[0].image_url"},
      {R"({"model":"m","input":[{"type":"function_call_output","call_id":"a","output":[{"type":"input_image","image_url":"http://x"}]}]})",
       "input[0].output[0].image_url"},
      {R"({"model":"m","input":"x","background":true})", "background"},
      {R"({"model":"m","input":"x","truncation":"some"})", "truncation"},
      {R"({"model":"m","input":"x","metadata":{"a":1}})", "metadata"},
      {R"({"model":"m","input":"x","text":{"format":{"type":"json_schema"}}})", "text.format.schema"},
      {R"({"model":"m","input":"x","tool_choice":{"type":"function","name":"none"}})", "tool_choice.name"},
      {R"({"model":"m","input":"x","temperature":9})", "temperature"},
      {R"({"model":"m","input":"x","max_output_tokens":0})", "max_output_tokens"},
      {R"({"model":"m","input":"x","lora":"sql"})", "lora"},
      {R"({"model":"m","input":"x","lora":[{"scale":1}]})", "lora.0.name"},
  };
  for (const auto& [body, param] : cases) {
    const RawAnswer answer = send("POST", "/v1/responses", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(answer.body, HasSubstr(std::string("\"param\":\"") + param + "\"")) << body;
  }
}

TEST_F(Responses, ImagesComeWithMessagesAndResults) {
  const std::string part = R"({"type":"input_image","image_url":")" + kPixelUrl + R"("})";
  send("POST", "/v1/responses",
       R"({"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"ab"},)" + part +
           R"(]},{"type":"function_call_output","call_id":"a","output":[)" + part + "]}]}");
  ASSERT_EQ(service_.requests.size(), 1U);
  const std::vector<Message>& messages = service_.requests.back().messages;
  ASSERT_EQ(messages.size(), 2U);
  ASSERT_EQ(messages[0].images.size(), 1U);
  EXPECT_EQ(messages[0].images[0].offset, 2U);
  EXPECT_EQ(messages[1].images.size(), 1U);
}

TEST_F(Responses, CountsTheTokensOfAnInput) {
  EXPECT_EQ(send("POST", "/v1/responses/input_tokens", R"({"model":"m","input":"x"})").body,
            R"({"object":"response.input_tokens","input_tokens":7})");
}

}  // namespace
}  // namespace pensieve::api::responses
