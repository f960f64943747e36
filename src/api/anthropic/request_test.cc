#include "api/anthropic/request.h"

#include <gmock/gmock.h>

#include <format>

#include "api/fake_image.h"
#include "api/fake_refusal.h"
#include "base/base64.h"

namespace pensieve::api::anthropic {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// A body that is right but for what `fields` adds or replaces ("" or "\"a\":1").
std::string body(const std::string& fields = "", const std::string& messages = R"([{"role":"user","content":"Hi"}])") {
  return std::format(R"({{"model":"auto","max_tokens":9,"messages":{}{}{}}})", messages, fields.empty() ? "" : ",", fields);
}
std::string message(const std::string& role, const std::string& content) {
  return std::format(R"([{{"role":"{}","content":{}}}])", role, content);
}
std::string block(const std::string& content, const std::string& role = "user") { return body("", message(role, "[" + content + "]")); }

GenerationRequest parsed(const std::string& text) {
  Result<MessagesRequest> request = parse_messages_request(text, false);
  EXPECT_TRUE(request) << text << ": " << request.error().text();
  return request ? request->generation : GenerationRequest{};
}

TEST(AnthropicRequest, TakesEveryField) {
  const Result<MessagesRequest> request = parse_messages_request(
      R"({"model":"auto:fast","max_tokens":99,"stream":true,"temperature":0.5,"top_p":0.25,"top_k":40,
          "stop_sequences":["\n\nHuman:","END"],"system":"Be brief.","messages":[{"role":"user","content":"Hi"}]})",
      false);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->stream);
  const GenerationRequest& generation = request->generation;
  EXPECT_EQ(generation.model, "auto:fast");
  EXPECT_EQ(generation.max_tokens, 99);
  EXPECT_FLOAT_EQ(generation.sampling.temperature, 0.5F);
  EXPECT_FLOAT_EQ(generation.sampling.top_p, 0.25F);
  EXPECT_EQ(generation.sampling.top_k, 40);
  EXPECT_THAT(generation.stop, ElementsAre("\n\nHuman:", "END"));
  EXPECT_THAT(generation.messages, ElementsAre(Message{.role = Role::kSystem, .text = "Be brief."}, Message{.text = "Hi"}));
  EXPECT_FALSE(generation.continue_last_message);
}

TEST(AnthropicRequest, HasTheApisDefaults) {
  const GenerationRequest request = parsed(body());
  EXPECT_FLOAT_EQ(request.sampling.temperature, 1);
  EXPECT_FLOAT_EQ(request.sampling.top_p, 1);
  EXPECT_EQ(request.sampling.top_k, 0);
  EXPECT_EQ(request.thinking, std::nullopt);
  EXPECT_TRUE(request.parallel_tool_calls);
  EXPECT_FALSE(parse_messages_request(body(), false)->stream);
}

TEST(AnthropicRequest, CountingNeedsNoMaxTokens) {
  const std::string text = R"({"model":"auto","messages":[{"role":"user","content":"Hi"}]})";
  EXPECT_TRUE(parse_messages_request(text, true));
  EXPECT_EQ(parse_messages_request(text, false).error().param, "max_tokens");
}

// As recorded from Claude Code: a changing billing line, cached system blocks, a system message
// among the others, fields and betas that this server has never heard of.
TEST(AnthropicRequest, TakesWhatClaudeCodeSends) {
  const GenerationRequest request = parsed(
      R"({"model":"claude-sonnet-4","max_tokens":32000,"stream":true,"tools":[],"metadata":{"user_id":"{}"},
          "thinking":{"type":"adaptive"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
          "output_config":{"effort":"medium"},"service_tier":"auto","a_field_of_tomorrow":[1,{"x":null}],
          "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1; cch=1234;"},
                    {"type":"text","text":"You are an agent.","cache_control":{"type":"ephemeral"}},
                    {"type":"text","text":"Be careful.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
          "messages":[{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral"}}]},
                      {"role":"system","content":"Today is Monday."}]})");
  EXPECT_THAT(request.messages, ElementsAre(Message{.role = Role::kSystem, .text = "You are an agent.\nBe careful."}, Message{.text = "Hi"},
                                            Message{.role = Role::kSystem, .text = "Today is Monday."}));
  EXPECT_THAT(request.tools, IsEmpty());
  EXPECT_EQ(request.thinking, std::nullopt);
}

TEST(AnthropicRequest, ThinkingIsASwitch) {
  EXPECT_EQ(parsed(body(R"("thinking":{"type":"enabled","budget_tokens":2000})")).thinking, true);
  EXPECT_EQ(parsed(body(R"("thinking":{"type":"disabled"})")).thinking, false);
}

TEST(AnthropicRequest, ToolUseAndItsResultBecomeNeutralMessages) {
  const GenerationRequest request =
      parsed(body(R"("tools":[{"name":"read","description":"Reads a file","input_schema":{"type":"object","properties":{"z":{},"a":{}}}}])",
                  R"([{"role":"user","content":"Read it."},
          {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"Sure."},
                                         {"type":"tool_use","id":"toolu_1","name":"read","input":{"path":"/b","line":9007199254740993}}]},
          {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","is_error":true,
                                     "content":[{"type":"text","text":"no"},{"type":"text","text":"such file"}]},
                                    {"type":"text","text":"And now?"}]}])"));
  ASSERT_EQ(request.messages.size(), 4U);
  EXPECT_EQ(request.messages[1].reasoning, "hm");
  EXPECT_EQ(request.messages[1].text, "Sure.");
  EXPECT_THAT(request.messages[1].tool_calls, ElementsAre(ToolCall{"toolu_1", "read", R"({"path":"/b","line":9007199254740993})"}));
  EXPECT_EQ(request.messages[2], (Message{.role = Role::kTool, .text = "no\nsuch file", .tool_call_id = "toolu_1", .tool_failed = true}));
  EXPECT_EQ(request.messages[3].text, "And now?");
  EXPECT_THAT(request.tools, ElementsAre(ToolDefinition{"read", "Reads a file", R"({"type":"object","properties":{"z":{},"a":{}}})"}));
}

TEST(AnthropicRequest, DocumentsOfTextAreRead) {
  const GenerationRequest request = parsed(block(R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"one"}},
      {"type":"document","source":{"type":"content","content":[{"type":"text","text":"two"}]}},{"type":"text","text":"?"})"));
  EXPECT_EQ(request.messages[0].text, "one\ntwo\n?");
}

TEST(AnthropicRequest, ToolResultsHoldDocumentsAndSearchResults) {
  const GenerationRequest request = parsed(block(R"({"type":"tool_result","tool_use_id":"toolu_1","content":[
      {"type":"document","title":"T","source":{"type":"text","media_type":"text/plain","data":"one"}},
      {"type":"search_result","source":"https://a.example","title":"S","content":[{"type":"text","text":"two"}]}]},
      {"type":"search_result","source":"x","title":"y","content":[{"type":"text","text":"z"}]})"));
  EXPECT_EQ(request.messages[0].text, "T\none\nS\nhttps://a.example\ntwo");
  EXPECT_EQ(request.messages[1].text, "y\nx\nz");
}

TEST(AnthropicRequest, ConversationsInWhichAnthropicsServersRanToolsGoOn) {
  const GenerationRequest request = parsed(block(R"({"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},
      {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"Found it."})",
                                                 "assistant"));
  EXPECT_EQ(request.messages.back().text, "Found it.");
}

TEST(AnthropicRequest, APrefilledAnswerIsContinued) {
  const std::string prefix = R"([{"role":"user","content":"Hi"},{"role":"assistant","content":)";
  EXPECT_TRUE(parsed(body("", prefix + R"("The answer is"}])")).continue_last_message);
  EXPECT_FALSE(parsed(body("", prefix + R"(""}])")).continue_last_message);
  EXPECT_EQ(parsed(body("", prefix + R"([]}])")).messages.size(), 1U);
}

TEST(AnthropicRequest, ToolChoiceLeavesItToTheModelOrForbidsCalls) {
  const std::string tools = R"("tools":[{"name":"read","input_schema":{"type":"object"}}])";
  EXPECT_EQ(parsed(body(tools + R"(,"tool_choice":{"type":"auto"})")).tool_choice, ToolChoice::kAuto);
  EXPECT_EQ(parsed(body(tools + R"(,"tool_choice":{"type":"none"})")).tool_choice, ToolChoice::kNone);
  EXPECT_FALSE(parsed(body(tools + R"(,"tool_choice":{"type":"auto","disable_parallel_tool_use":true})")).parallel_tool_calls);
}

TEST(AnthropicRequest, ToolsThatAnthropicsServersRunAreLeftOut) {
  EXPECT_THAT(parsed(body(R"("tools":[{"type":"web_search_20250305","name":"web_search","max_uses":8}])")).tools, IsEmpty());
}

TEST(AnthropicRequest, ImagesStandWhereTheirBlocksStood) {
  const std::string image = R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":")" + kPixel + R"("}})";
  const GenerationRequest request =
      parsed(block(R"({"type":"text","text":"ab"},)" + image + R"(,{"type":"text","text":"c"},)" +
                   R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"r"},)" + image + "]}"));
  ASSERT_EQ(request.messages.size(), 2U);
  EXPECT_EQ(request.messages[0].role, Role::kTool);
  ASSERT_EQ(request.messages[0].images.size(), 1U);
  EXPECT_EQ(request.messages[0].images[0].offset, 1U);
  EXPECT_EQ(request.messages[1].text, "ab\nc");
  ASSERT_EQ(request.messages[1].images.size(), 1U);
  EXPECT_EQ(request.messages[1].images[0].offset, 2U);
  EXPECT_EQ(encode_base64(request.messages[1].images[0].bytes), kPixel);
  EXPECT_EQ(request.messages[1].images[0].field, "messages.0.content.1.source.data");
  EXPECT_EQ(parsed(block(image)).messages.at(0).images.size(), 1U) << "an image needs no text";
}

class AnthropicRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(AnthropicRefusals, NamesTheFieldInTheApisOwnShape) {
  const Result<MessagesRequest> request = parse_messages_request(GetParam().body, false);
  ASSERT_FALSE(request) << GetParam().body;
  EXPECT_EQ(request.error().code, GetParam().code);
  EXPECT_EQ(request.error().param, GetParam().param);
  EXPECT_THAT(request.error().message, HasSubstr(GetParam().message));
  const ErrorAnswer answer = render_error(ErrorShape::kAnthropic, request.error(), "req_1");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, StartsWith(R"({"type":"error","error":{"type":"invalid_request_error","message":")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("request_id":"req_1")"));
}

constexpr auto kUnsupported = ErrorCode::kUnsupported;

INSTANTIATE_TEST_SUITE_P(
    Body, AnthropicRefusals,
    testing::Values(Refusal{"", "", "not valid JSON"}, Refusal{"{", "", "not valid JSON"}, Refusal{"[]", "", "not a JSON object"},
                    Refusal{body() + "x", "", "not valid JSON"}, Refusal{"{\"a\":\"\xff\"}", "", "not valid UTF-8"},
                    Refusal{R"({"max_tokens":1,"messages":[]})", "model", "required"},
                    Refusal{R"({"model":7,"max_tokens":1,"messages":[]})", "model", "string"},
                    Refusal{R"({"model":"m","max_tokens":1})", "messages", "required"}, Refusal{body("", R"("Hi")"), "messages", "array"},
                    Refusal{body("", "[]"), "messages", "at least one"}, Refusal{body("", "[7]"), "messages.0", "object"}));

INSTANTIATE_TEST_SUITE_P(Numbers, AnthropicRefusals,
                         testing::Values(Refusal{R"({"model":"m","max_tokens":-1,"messages":[]})", "max_tokens", "from 1"},
                                         Refusal{R"({"model":"m","max_tokens":0,"messages":[]})", "max_tokens", "from 1"},
                                         Refusal{R"({"model":"m","max_tokens":1.5,"messages":[]})", "max_tokens", "whole number"},
                                         Refusal{R"({"model":"m","max_tokens":"9","messages":[]})", "max_tokens", "whole number"},
                                         Refusal{R"({"model":"m","max_tokens":1e99,"messages":[]})", "max_tokens", "whole number"},
                                         Refusal{body(R"("temperature":-0.1)"), "temperature", "from 0 to 1"},
                                         Refusal{body(R"("temperature":1.1)"), "temperature", "from 0 to 1"},
                                         Refusal{body(R"("temperature":"hot")"), "temperature", "number"},
                                         Refusal{body(R"("top_p":2)"), "top_p", "from 0 to 1"},
                                         Refusal{body(R"("top_k":-1)"), "top_k", "from 0"},
                                         Refusal{body(R"("top_k":1.5)"), "top_k", "whole number"},
                                         Refusal{body(R"("stream":"yes")"), "stream", "true or false"}));

INSTANTIATE_TEST_SUITE_P(
    Messages, AnthropicRefusals,
    testing::Values(
        Refusal{body("", message("nobody", R"("x")")), "messages.0.role", "'nobody' is not one of"},
        Refusal{body(R"("thread":{"type":"create"})"), "thread", "not kept", kUnsupported},
        Refusal{body("", R"([{"content":"x"}])"), "messages.0.role", "required"},
        Refusal{body("", R"([{"role":"user"}])"), "messages.0.content", "required"},
        Refusal{body("", message("user", "7")), "messages.0.content", "string or an array"},
        Refusal{body("", message("user", R"("")")), "messages.0.content", "empty"},
        Refusal{body("", message("user", "[]")), "messages.0.content", "empty"},
        Refusal{block(R"({"type":"hologram"})"), "messages.0.content.0.type", "'hologram'"},
        Refusal{block(R"({"type":"text"})"), "messages.0.content.0.text", "required"},
        Refusal{block(R"({"type":"text","text":7})"), "messages.0.content.0.text", "string"},
        Refusal{block("7"), "messages.0.content.0", "object"},
        Refusal{block(R"({"type":"image","source":{"type":"url","url":"https://x/a.png"}})"), "messages.0.content.0.source.url",
                "not fetched"},
        Refusal{block(R"({"type":"image","source":{"type":"base64","data":"!"}})"), "messages.0.content.0.source.data", "no base64"},
        Refusal{block(R"({"type":"image","source":{"type":"file","file_id":"x"}})"), "messages.0.content.0.source.type", "base64"},
        Refusal{block(R"({"type":"image"})"), "messages.0.content.0.source", "required"},
        Refusal{block(R"({"type":"image","source":{"type":"base64","data":"aGk="}})", "assistant"), "messages.0.content.0.type",
                "of this role"},
        Refusal{block(R"({"type":"document","source":{"type":"base64"}})"), "messages.0.content.0.source.type", "text documents",
                kUnsupported},
        Refusal{block(R"({"type":"tool_use","id":"a","name":"b","input":{}})"), "messages.0.content.0.type", "of this role"},
        Refusal{block(R"({"type":"tool_result","tool_use_id":"a"})", "assistant"), "messages.0.content.0.type", "of this role"},
        Refusal{block(R"({"type":"tool_result"})"), "messages.0.content.0.tool_use_id", "required"},
        Refusal{block(R"({"type":"tool_result","tool_use_id":"a","content":[{"type":"image"}]})"), "messages.0.content.0.content.0.source",
                "required"},
        Refusal{block(R"({"type":"tool_use","id":"a","name":"b","input":"{}"})", "assistant"), "messages.0.content.0.input", "object"},
        Refusal{body("", R"([{"role":"user","content":"Hi"},{"role":"assistant","content":"So "}])"), "messages", "whitespace"}));

INSTANTIATE_TEST_SUITE_P(SystemAndStops, AnthropicRefusals,
                         testing::Values(Refusal{body(R"("system":7)"), "system", "string or an array"},
                                         Refusal{body(R"("system":["x"])"), "system.0", "object"},
                                         Refusal{body(R"("system":[{"type":"image"}])"), "system.0.type", "'text'"},
                                         Refusal{body(R"("stop_sequences":"x")"), "stop_sequences", "array"},
                                         Refusal{body(R"("stop_sequences":[7])"), "stop_sequences", "strings"},
                                         Refusal{body(R"("stop_sequences":[" "])"), "stop_sequences", "non-whitespace"},
                                         Refusal{body(R"("thinking":{"type":"deep"})"), "thinking.type", "adaptive"},
                                         Refusal{body(R"("thinking":true)"), "thinking", "object"}));

const std::string kTools = R"("tools":[{"name":"read","input_schema":{"type":"object"}}],)";

TEST(AnthropicRequest, ForcesToolsAndFormats) {
  EXPECT_EQ(parsed(body(kTools + R"("tool_choice":{"type":"any"})")).tool_choice, ToolChoice::kRequired);
  const GenerationRequest named = parsed(body(kTools + R"("tool_choice":{"type":"tool","name":"read"})"));
  EXPECT_EQ(named.tool_choice, ToolChoice::kNamed);
  EXPECT_EQ(named.tool_choice_name, "read");
  for (const char* field : {R"("output_format":{"type":"json_schema","schema":{"type":"object"}})",
                            R"("output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}})"}) {
    const GenerationRequest request = parsed(body(field));
    EXPECT_EQ(request.output_format, OutputFormat::kJsonSchema);
    EXPECT_EQ(request.output_schema, R"({"type":"object"})");
  }
}

INSTANTIATE_TEST_SUITE_P(
    ToolsAndFormats, AnthropicRefusals,
    testing::Values(Refusal{body(R"("tools":{})"), "tools", "array"},
                    Refusal{body(R"("tools":[{"name":"a"}])"), "tools.0.input_schema", "object"},
                    Refusal{body(R"("tools":[{"input_schema":{}}])"), "tools.0.name", "required"},
                    Refusal{body(R"("tools":[{"name":"","input_schema":{}}])"), "tools.0.name", "1 to 128"},
                    Refusal{body(kTools + R"("tool_choice":{"type":"tool","name":"write"})"), "tool_choice.name", "no tool 'write'"},
                    Refusal{body(kTools + R"("tool_choice":{"type":"tool"})"), "tool_choice.name", "required"},
                    Refusal{body(kTools + R"("tool_choice":{"type":"some"})"), "tool_choice.type", "auto, any, tool or none"},
                    Refusal{body(kTools + R"("tool_choice":"auto")"), "tool_choice", "object"},
                    Refusal{body(R"("tool_choice":{"type":"any"})"), "tool_choice.type", "only be given with tools"},
                    Refusal{body(R"("metadata":"me")"), "metadata", "object"},
                    Refusal{body(R"("metadata":{"user_id":7})"), "metadata.user_id", "string"},
                    Refusal{body(R"("output_config":{"format":{"type":"xml"}})"), "output_config.format.type", "json_schema"},
                    Refusal{body(R"("output_format":{"type":"json_schema"})"), "output_format.schema", "object"},
                    Refusal{body(R"("output_config":7)"), "output_config", "object"}));

}  // namespace
}  // namespace pensieve::api::anthropic
