#include "api/openai/request.h"

#include <gmock/gmock.h>

#include <format>

#include "api/fake_image.h"
#include "api/fake_refusal.h"

namespace pensieve::api::openai {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A body that is right but for what `fields` adds ("" or "\"a\":1").
std::string body(const std::string& fields = "", const std::string& messages = R"([{"role":"user","content":"Hi"}])") {
  return std::format(R"({{"model":"auto","messages":{}{}{}}})", messages, fields.empty() ? "" : ",", fields);
}
std::string one(const std::string& message) { return body("", "[" + message + "]"); }
std::string legacy(const std::string& fields = "", const std::string& prompt = R"("Once")") {
  return std::format(R"({{"model":"auto","prompt":{}{}{}}})", prompt, fields.empty() ? "" : ",", fields);
}

ParsedRequest parsed(Result<ParsedRequest> request) {
  if (request) return *std::move(request);
  ADD_FAILURE() << request.error().text();
  ParsedRequest none;
  none.requests.resize(1);
  return none;
}
GenerationRequest chat(const std::string& text) { return parsed(parse_chat_request(text)).requests.front(); }

TEST(OpenAiChatRequest, ImagesStandWhereTheirPartsStood) {
  const GenerationRequest request =
      chat(one(R"({"role":"user","content":[{"type":"text","text":"ab"},{"type":"image_url","image_url":{"url":")" + kPixelUrl +
               R"(","detail":"low"}},{"type":"text","text":"c"},{"type":"image_url","image_url":")" + kPixelUrl + R"("}]})"));
  const Message& message = request.messages.at(0);
  EXPECT_EQ(message.text, "abc");
  ASSERT_EQ(message.images.size(), 2U);
  EXPECT_EQ(message.images[0].offset, 2U);
  EXPECT_EQ(message.images[0].field, "messages[0].content[1].image_url.url");
  EXPECT_EQ(message.images[1].offset, 3U);
}

TEST(OpenAiChatRequest, TakesEveryField) {
  const ParsedRequest request = parsed(parse_chat_request(
      R"({"model":"gpt-4o","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi"}],
          "temperature":0.5,"top_p":0.25,"top_k":40,"min_p":0.1,"repetition_penalty":1.1,"frequency_penalty":-1,"presence_penalty":2,
          "seed":7,"stop":["a","b"],"logit_bias":{"5":-100,"6":1.5},"max_completion_tokens":99,"logprobs":true,"top_logprobs":3,
          "stream":true,"stream_options":{"include_usage":true},"n":1,"user":"u","store":false,"a_field_of_tomorrow":{"x":[]}})"));
  EXPECT_TRUE(request.stream);
  EXPECT_TRUE(request.include_usage);
  EXPECT_TRUE(request.logprobs);
  ASSERT_THAT(request.requests, SizeIs(1));
  const GenerationRequest& generation = request.requests.front();
  EXPECT_EQ(generation.model, "gpt-4o");
  EXPECT_THAT(generation.messages, ElementsAre(Message{.role = Role::kSystem, .text = "Be brief."}, Message{.text = "Hi"}));
  EXPECT_EQ(generation.sampling, (Sampling{.temperature = 0.5F,
                                           .top_p = 0.25F,
                                           .top_k = 40,
                                           .min_p = 0.1F,
                                           .repetition_penalty = 1.1F,
                                           .frequency_penalty = -1,
                                           .presence_penalty = 2,
                                           .seed = 7,
                                           .logit_bias = {{5, -100}, {6, 1.5F}}}));
  EXPECT_THAT(generation.stop, ElementsAre("a", "b"));
  EXPECT_EQ(generation.max_tokens, 99);
  EXPECT_EQ(generation.top_logprobs, 3);
}

TEST(OpenAiChatRequest, HasTheApisDefaults) {
  const ParsedRequest request = parsed(parse_chat_request(body()));
  EXPECT_FALSE(request.stream || request.include_usage || request.logprobs);
  const GenerationRequest& generation = request.requests.front();
  EXPECT_EQ(generation.sampling, Sampling{});
  EXPECT_EQ(generation.max_tokens, std::nullopt);
  EXPECT_EQ(generation.top_logprobs, -1);
  EXPECT_THAT(generation.stop, IsEmpty());
}

TEST(OpenAiChatRequest, NullsCountAsAbsent) {
  EXPECT_EQ(chat(body(R"("temperature":null,"stop":null,"n":null,"tools":null,"response_format":null,"stream_options":null)")),
            chat(body()));
}

TEST(OpenAiChatRequest, BothNamesOfTheTokenLimitWork) {
  EXPECT_EQ(chat(body(R"("max_tokens":5)")).max_tokens, 5);
  EXPECT_EQ(chat(body(R"("max_completion_tokens":5)")).max_tokens, 5);
  EXPECT_EQ(chat(body(R"("max_tokens":9,"max_completion_tokens":5)")).max_tokens, 5);
}

TEST(OpenAiChatRequest, AStopMayBeOneString) {
  EXPECT_THAT(chat(body(R"("stop":"END")")).stop, ElementsAre("END"));
  EXPECT_THAT(chat(body(R"("stop":"")")).stop, IsEmpty());
}

TEST(OpenAiChatRequest, ChoicesAreRequestsThatDifferInTheirSeed) {
  const ParsedRequest request = parsed(parse_chat_request(body(R"("n":3,"seed":7)")));
  EXPECT_EQ(request.per_prompt, 3U);
  ASSERT_THAT(request.requests, SizeIs(3));
  EXPECT_EQ(request.requests[0].sampling.seed, 7U);
  EXPECT_EQ(request.requests[2].sampling.seed, 9U);
  EXPECT_EQ(parsed(parse_chat_request(body(R"("n":2)"))).requests[1].sampling.seed, std::nullopt);
}

TEST(OpenAiChatRequest, ContentMayBeParts) {
  EXPECT_EQ(chat(one(R"({"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})")).messages[0].text, "ab");
  EXPECT_EQ(chat(body("", R"([{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"refusal","refusal":"no"}]},
                              {"role":"user","content":"y"}])"))
                .messages[1]
                .text,
            "no");
}

TEST(OpenAiChatRequest, ToolCallsAndTheirResultsBecomeNeutralMessages) {
  const GenerationRequest request = chat(body(
      R"("tools":[{"type":"function","function":{"name":"read","description":"Reads","parameters":{"type":"object"},"strict":true}},
                  {"type":"function","function":{"name":"now"}}],"tool_choice":"auto","parallel_tool_calls":false)",
      R"([{"role":"user","content":"Read"},
          {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"p\":1}"}}]},
          {"role":"tool","tool_call_id":"call_1","content":"text"}])"));
  EXPECT_THAT(request.messages[1].tool_calls, ElementsAre(ToolCall{"call_1", "read", R"({"p":1})"}));
  EXPECT_EQ(request.messages[2], (Message{.role = Role::kTool, .text = "text", .tool_call_id = "call_1"}));
  EXPECT_THAT(request.tools, ElementsAre(ToolDefinition{"read", "Reads", R"({"type":"object"})"},
                                         ToolDefinition{"now", "", R"({"type":"object","properties":{}})"}));
  EXPECT_EQ(request.tool_choice, ToolChoice::kAuto);
  EXPECT_FALSE(request.parallel_tool_calls);
}

TEST(OpenAiCompletionRequest, TakesEveryKindOfPrompt) {
  const auto prompts = [](const std::string& prompt) { return parsed(parse_completion_request(legacy("", prompt))).requests; };
  EXPECT_THAT(prompts(R"("Once")"), ElementsAre(Field(&GenerationRequest::prompt, "Once")));
  EXPECT_THAT(prompts(R"(["a","b"])"), ElementsAre(Field(&GenerationRequest::prompt, "a"), Field(&GenerationRequest::prompt, "b")));
  EXPECT_THAT(prompts("[1,2]"), ElementsAre(Field(&GenerationRequest::prompt_tokens, ElementsAre(1, 2))));
  EXPECT_THAT(prompts("[[1],[2]]"), ElementsAre(Field(&GenerationRequest::prompt_tokens, ElementsAre(1)),
                                                Field(&GenerationRequest::prompt_tokens, ElementsAre(2))));
  EXPECT_THAT(prompts("[1]"), Each(Field(&GenerationRequest::prompt_kind, PromptKind::kTokens)));
}

TEST(OpenAiCompletionRequest, AnswersInAForm) {
  const auto parsed = parse_completion_request(R"({"model":"m","prompt":"x","grammar":"root ::= [a-z]+"})");
  ASSERT_TRUE(parsed) << parsed.error().text();
  EXPECT_EQ(parsed->requests[0].output_format, OutputFormat::kGrammar);
  EXPECT_EQ(parsed->requests[0].output_schema, "root ::= [a-z]+");
}

TEST(OpenAiCompletionRequest, HasTheApisDefaultsAndFields) {
  EXPECT_EQ(parsed(parse_completion_request(legacy())).requests.front().max_tokens, 16);
  const ParsedRequest request = parsed(parse_completion_request(legacy(R"("max_tokens":0,"echo":true,"n":2,"best_of":2)", R"(["a","b"])")));
  EXPECT_THAT(request.requests, SizeIs(4));
  EXPECT_EQ(request.requests[1].prompt, "a");
  EXPECT_EQ(request.requests[2].prompt, "b");
  EXPECT_TRUE(request.requests[0].echo_prompt);
  EXPECT_EQ(request.requests[0].max_tokens, 0);
  const ParsedRequest scored = parsed(parse_completion_request(legacy(R"("logprobs":0)")));
  EXPECT_TRUE(scored.logprobs);
  EXPECT_EQ(scored.requests.front().top_logprobs, 0);
  const ParsedRequest echoed = parsed(parse_completion_request(legacy(R"("echo":true,"logprobs":1)")));
  EXPECT_TRUE(echoed.requests.front().echo_prompt);
  EXPECT_EQ(echoed.requests.front().top_logprobs, 1);
}

void expect_refused(const Result<ParsedRequest>& request, const Refusal& refusal) {
  ASSERT_FALSE(request) << refusal.body;
  EXPECT_EQ(request.error().code, refusal.code);
  EXPECT_EQ(request.error().param, refusal.param);
  EXPECT_THAT(request.error().message, HasSubstr(refusal.message));
  const ErrorAnswer answer = render_error(ErrorShape::kOpenAi, request.error(), "req_1");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr(R"("type":"invalid_request_error")"));
  EXPECT_THAT(answer.body, HasSubstr(refusal.param.empty() ? R"("param":null)" : std::format(R"("param":"{}")", refusal.param)));
}

class OpenAiChatRefusals : public testing::TestWithParam<Refusal> {};
TEST_P(OpenAiChatRefusals, NamesTheFieldInTheApisOwnShape) { expect_refused(parse_chat_request(GetParam().body), GetParam()); }

class OpenAiCompletionRefusals : public testing::TestWithParam<Refusal> {};
TEST_P(OpenAiCompletionRefusals, NamesTheFieldInTheApisOwnShape) { expect_refused(parse_completion_request(GetParam().body), GetParam()); }

constexpr auto kUnsupported = ErrorCode::kUnsupported;

INSTANTIATE_TEST_SUITE_P(
    Messages, OpenAiChatRefusals,
    testing::Values(Refusal{"{", "", "not valid JSON"}, Refusal{"[]", "", "not a JSON object"},
                    Refusal{R"({"messages":[]})", "model", "required"}, Refusal{R"({"model":[],"messages":[]})", "model", "string"},
                    Refusal{R"({"model":"m"})", "messages", "required"}, Refusal{body("", R"("Hi")"), "messages", "array"},
                    Refusal{body("", "[]"), "messages", "at least one"}, Refusal{one("7"), "messages[0]", "object"},
                    Refusal{one(R"({"content":"x"})"), "messages[0].role", "required"},
                    Refusal{one(R"({"role":"nobody","content":"x"})"), "messages[0].role", "'nobody'"},
                    Refusal{one(R"({"role":"user"})"), "messages[0].content", "required"},
                    Refusal{one(R"({"role":"system","content":null})"), "messages[0].content", "required"},
                    Refusal{one(R"({"role":"user","content":7})"), "messages[0].content", "string or an array"},
                    Refusal{one(R"({"role":"user","content":["x"]})"), "messages[0].content[0]", "object"},
                    Refusal{one(R"({"role":"user","content":[{"type":"hologram"}]})"), "messages[0].content[0].type", "'hologram'"},
                    Refusal{one(R"({"role":"user","content":[{"type":"text"}]})"), "messages[0].content[0].text", "required"},
                    Refusal{one(R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]})"),
                            "messages[0].content[0].image_url.url", "not fetched"},
                    Refusal{one(R"({"role":"user","content":[{"type":"image_url"}]})"), "messages[0].content[0].image_url", "required"},
                    Refusal{one(R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]})"),
                            "messages[0].content[0].image_url.url", "no PNG"},
                    Refusal{one(R"({"role":"tool","content":"x"})"), "messages[0].tool_call_id", "required"},
                    Refusal{one(R"({"role":"assistant","tool_calls":{}})"), "messages[0].tool_calls", "array"},
                    Refusal{one(R"({"role":"assistant","tool_calls":[{"id":"a"}]})"), "messages[0].tool_calls[0].function", "required"},
                    Refusal{one(R"({"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":{}}}]})"),
                            "messages[0].tool_calls[0].function.arguments", "string"}));

INSTANTIATE_TEST_SUITE_P(
    Parameters, OpenAiChatRefusals,
    testing::Values(
        Refusal{body(R"("temperature":-1)"), "temperature", "from 0 to 2"},
        Refusal{body(R"("temperature":2.1)"), "temperature", "from 0 to 2"}, Refusal{body(R"("temperature":"0")"), "temperature", "number"},
        Refusal{body(R"("top_p":1.1)"), "top_p", "from 0 to 1"},
        Refusal{body(R"("frequency_penalty":3)"), "frequency_penalty", "from -2 to 2"},
        Refusal{body(R"("presence_penalty":-3)"), "presence_penalty", "from -2 to 2"},
        Refusal{body(R"("max_tokens":0)"), "max_tokens", "from 1"}, Refusal{body(R"("max_tokens":-5)"), "max_tokens", "from 1"},
        Refusal{body(R"("max_completion_tokens":1.5)"), "max_completion_tokens", "whole number"}, Refusal{body(R"("n":0)"), "n", "from 1"},
        Refusal{body(R"("n":9)"), "n", "from 1 to 8"}, Refusal{body(R"("n":"2")"), "n", "whole number"},
        Refusal{body(R"("seed":0.5)"), "seed", "whole number"}, Refusal{body(R"("seed":"x")"), "seed", "whole number"},
        Refusal{body(R"("stop":7)"), "stop", "string or an array"}, Refusal{body(R"("stop":[7])"), "stop", "string or an array"},
        Refusal{body(R"("logit_bias":[])"), "logit_bias", "object"}, Refusal{body(R"("logit_bias":{"x":1})"), "logit_bias", "token ids"},
        Refusal{body(R"("logit_bias":{"-1":1})"), "logit_bias", "token ids"},
        Refusal{body(R"("logit_bias":{"1":101})"), "logit_bias", "-100 to 100"},
        Refusal{body(R"("logit_bias":{"1":"x"})"), "logit_bias", "-100 to 100"},
        Refusal{body(R"("logprobs":3)"), "logprobs", "true or false"},
        Refusal{body(R"("top_logprobs":3)"), "top_logprobs", "needs logprobs"},
        Refusal{body(R"("logprobs":true,"top_logprobs":21)"), "top_logprobs", "from 0 to 20"},
        Refusal{body(R"("stream":1)"), "stream", "true or false"}, Refusal{body(R"("stream_options":{})"), "stream_options", "with stream"},
        Refusal{body(R"("stream":true,"stream_options":{"include_usage":1})"), "stream_options.include_usage", "true or false"}));

const std::string kTools = R"("tools":[{"type":"function","function":{"name":"read"}}],)";

TEST(OpenAiChatRequest, ForcesToolsAndFormats) {
  const GenerationRequest required = chat(body(kTools + R"("tool_choice":"required")"));
  EXPECT_EQ(required.tool_choice, ToolChoice::kRequired);
  const GenerationRequest named = chat(body(kTools + R"("tool_choice":{"type":"function","function":{"name":"read"}})"));
  EXPECT_EQ(named.tool_choice, ToolChoice::kNamed);
  EXPECT_EQ(named.tool_choice_name, "read");
  const GenerationRequest allowed = chat(
      body(R"("tools":[{"type":"function","function":{"name":"read"}},{"type":"function","function":{"name":"write"}}],"tool_choice":{)"
           R"("type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"write"}}]}})"));
  EXPECT_EQ(allowed.tool_choice, ToolChoice::kRequired);
  ASSERT_EQ(allowed.tools.size(), 1U);
  EXPECT_EQ(allowed.tools[0].name, "write");

  EXPECT_EQ(chat(body(R"("response_format":{"type":"json_object"})")).output_format, OutputFormat::kJsonObject);
  const GenerationRequest other = chat(body(R"("response_format":{"type":"json_object","schema":{"type":"array"}})"));
  EXPECT_EQ(other.output_format, OutputFormat::kJsonSchema);
  EXPECT_EQ(other.output_schema, R"({"type":"array"})");
  const GenerationRequest schema =
      chat(body(R"("response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"integer"}}})"));
  EXPECT_EQ(schema.output_format, OutputFormat::kJsonSchema);
  EXPECT_EQ(schema.output_schema, R"({"type":"integer"})");
  const GenerationRequest grammar = chat(body(R"("grammar":"root ::= [a-z]+")"));
  EXPECT_EQ(grammar.output_format, OutputFormat::kGrammar);
  EXPECT_EQ(grammar.output_schema, "root ::= [a-z]+");
  EXPECT_EQ(chat(body(R"("reasoning_effort":"none")")).thinking, false);
  EXPECT_EQ(chat(body(R"("chat_template_kwargs":{"enable_thinking":true})")).thinking, true);
}

INSTANTIATE_TEST_SUITE_P(
    ToolsAndFormats, OpenAiChatRefusals,
    testing::Values(
        Refusal{body(R"("tools":7)"), "tools", "array"}, Refusal{body(R"("tools":[{}])"), "tools[0].type", "required"},
        Refusal{body(R"("tools":[{"type":"function"}])"), "tools[0].function", "required"},
        Refusal{body(R"("tools":[{"type":"function","function":{}}])"), "tools[0].function.name", "required"},
        Refusal{body(R"("tools":[{"type":"function","function":{"name":"a","parameters":7}}])"), "tools[0].function.parameters", "object"},
        Refusal{body(kTools + R"("tool_choice":"some")"), "tool_choice", "auto, none, required"},
        Refusal{body(kTools + R"("tool_choice":7)"), "tool_choice", "object"},
        Refusal{body(kTools + R"("tool_choice":{"type":"function"})"), "tool_choice.function", "required"},
        Refusal{body(kTools + R"("tool_choice":{"type":"function","function":{"name":"write"}})"), "tool_choice.function",
                "no tool 'write'"},
        Refusal{body(R"("tool_choice":"required")"), "tool_choice", "only be given with tools"},
        Refusal{body(kTools + R"("tool_choice":{"type":"allowed_tools"})"), "tool_choice.allowed_tools", "required"},
        Refusal{
            body(kTools + R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"function":{"name":"x"}}]}})"),
            "tool_choice.allowed_tools.tools[0].function", "no tool 'x'"},
        Refusal{body(R"("functions":[])"), "functions", "not supported", kUnsupported},
        Refusal{body(R"("response_format":{"type":"json_schema"})"), "response_format.json_schema", "required"},
        Refusal{body(R"("response_format":{"type":"json_schema","json_schema":{}})"), "response_format.json_schema.schema", "required"},
        Refusal{body(R"("response_format":{"type":"json_schema","json_schema":{"schema":7}})"), "response_format.json_schema.schema",
                "object"},
        Refusal{body(R"("response_format":{"type":"json_object"},"grammar":"root ::= \"a\"")"), "grammar", "beside response_format"},
        Refusal{body(R"("grammar":7)"), "grammar", "string"},
        Refusal{body(R"("response_format":{"type":"xml"})"), "response_format.type", "json_schema"},
        Refusal{body(R"("response_format":"json")"), "response_format", "object"},
        Refusal{body(R"("modalities":["text","audio"])"), "modalities", "only text", kUnsupported}));

INSTANTIATE_TEST_SUITE_P(
    Bodies, OpenAiCompletionRefusals,
    testing::Values(
        Refusal{R"({"prompt":"x"})", "model", "required"}, Refusal{R"({"model":"m"})", "prompt", "required"},
        Refusal{legacy("", "7"), "prompt", "text, tokens or an array"}, Refusal{legacy("", "[]"), "prompt", "empty"},
        Refusal{legacy("", "[1,\"x\"]"), "prompt", "whole numbers"}, Refusal{legacy("", "[1.5]"), "prompt", "whole numbers"},
        Refusal{legacy("", "[-1]"), "prompt", "whole numbers"}, Refusal{legacy("", "[[1],7]"), "prompt", "text, tokens or an array"},
        Refusal{legacy(R"("max_tokens":-1)"), "max_tokens", "from 0"}, Refusal{legacy(R"("temperature":-1)"), "temperature", "from 0"},
        Refusal{legacy(R"("logprobs":6)"), "logprobs", "from 0 to 5"}, Refusal{legacy(R"("logprobs":true)"), "logprobs", "whole number"},
        Refusal{legacy(R"("echo":1)"), "echo", "true or false"},
        Refusal{legacy(R"("suffix":"x","echo":true)"), "suffix", "not supported", kUnsupported},
        Refusal{legacy(R"("best_of":2)"), "best_of", "other than n", kUnsupported}, Refusal{legacy(R"("n":9)"), "n", "from 1 to 8"}));

}  // namespace
}  // namespace pensieve::api::openai
