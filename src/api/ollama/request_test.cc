#include "api/ollama/request.h"

#include <gmock/gmock.h>

#include "api/fake_image.h"
#include "api/fake_refusal.h"
#include "api/ollama/conversation_context.h"

namespace pensieve::api::ollama {
namespace {

using namespace std::chrono_literals;

ParsedRequest chat(const std::string& fields) {
  Result<ParsedRequest> parsed = parse_chat_request(R"({"model":"m:latest","messages":[{"role":"user","content":"Hi"}])" + fields + "}");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(ParsedRequest{});
}

ParsedRequest generate(const std::string& fields) {
  Result<ParsedRequest> parsed = parse_generate_request(R"({"model":"m","prompt":"Hi")" + fields + "}");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed.value_or(ParsedRequest{});
}

TEST(OllamaRequest, StreamsUnlessToldOtherwiseAndTakesLatestAsNoTag) {
  EXPECT_TRUE(chat("").stream);
  EXPECT_FALSE(chat(R"(,"stream":false)").stream);
  EXPECT_EQ(chat("").generation.model, "m");
  EXPECT_EQ(chat("").name, "m:latest");
  EXPECT_EQ(bare_name("auto:fast"), "auto:fast");
}

TEST(OllamaRequest, TakesImages) {
  const std::string images = R"("images":[")" + kPixel + R"("])";
  const auto asked = parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"Hi",)" + images + "}]}");
  ASSERT_TRUE(asked) << asked.error().text();
  ASSERT_EQ(asked->generation.messages.at(0).images.size(), 1U);
  EXPECT_EQ(asked->generation.messages[0].images[0].offset, 0U);
  EXPECT_EQ(asked->generation.messages[0].images[0].field, "messages.0.images.0");
  EXPECT_EQ(generate("," + images).generation.messages.at(0).images.size(), 1U);
  const auto alone = parse_generate_request(R"({"model":"m",)" + images + "}");
  ASSERT_TRUE(alone);
  EXPECT_FALSE(alone->only_load);
  EXPECT_EQ(parse_generate_request(R"({"model":"m","prompt":"x","raw":true,)" + images + "}").error().param, "images");
}

TEST(OllamaRequest, MapsTheOptionsAndItsDefaults) {
  const Sampling usual = chat("").generation.sampling;
  EXPECT_FLOAT_EQ(usual.temperature, 0.8F);
  EXPECT_EQ(usual.top_k, 40);
  const ParsedRequest parsed =
      chat(R"(,"options":{"num_predict":7,"temperature":0,"top_k":3,"top_p":0.5,"min_p":0.1,"repeat_penalty":1.3,"repeat_last_n":-1,)"
           R"("seed":5,"stop":["a",""],"presence_penalty":0.5,"frequency_penalty":-0.5,"num_ctx":4096})");
  const GenerationRequest& request = parsed.generation;
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_EQ(request.sampling.temperature, 0);
  EXPECT_EQ(request.sampling.top_k, 3);
  EXPECT_FLOAT_EQ(request.sampling.min_p, 0.1F);
  EXPECT_FLOAT_EQ(request.sampling.repetition_penalty, 1.3F);
  EXPECT_GT(request.sampling.penalty_last_n, 100'000);
  EXPECT_EQ(request.sampling.seed, 5U);
  EXPECT_FLOAT_EQ(request.sampling.frequency_penalty, -0.5F);
  EXPECT_EQ(request.stop, std::vector<std::string>{"a"});
  EXPECT_EQ(parsed.ignored, std::vector<std::string>{"options.num_ctx"});
  EXPECT_FALSE(chat(R"(,"options":{"num_predict":-1,"seed":-1})").generation.max_tokens);
  EXPECT_FALSE(chat(R"(,"options":{"seed":-1})").generation.sampling.seed);
}

TEST(OllamaRequest, ReadsKeepAliveAsSecondsOrAsADuration) {
  EXPECT_FALSE(chat("").keep_alive);
  EXPECT_EQ(chat(R"(,"keep_alive":0)").keep_alive, 0s);
  EXPECT_EQ(chat(R"(,"keep_alive":90)").keep_alive, 90s);
  EXPECT_EQ(chat(R"(,"keep_alive":"1h30m")").keep_alive, 5400s);
  EXPECT_EQ(chat(R"(,"keep_alive":"5m")").keep_alive, 300s);
  EXPECT_EQ(chat(R"(,"keep_alive":"10")").keep_alive, 10s);
  for (const char* forever : {"-1", R"("-1")", R"("-1m")", "1e300"}) {
    EXPECT_LT(chat(std::string(R"(,"keep_alive":)") + forever).keep_alive.value_or(0s), 0s) << forever;
  }
}

TEST(OllamaRequest, AssistantsLastWordsAreContinued) {
  const auto parsed =
      parse_chat_request(R"({"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hel"}]})");
  EXPECT_TRUE(parsed->generation.continue_last_message);
  EXPECT_FALSE(chat("").generation.continue_last_message);
}

TEST(OllamaRequest, ToolCallsHaveObjectsAsArguments) {
  const auto parsed = parse_chat_request(
      R"({"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":[{"function":)"
      R"({"name":"f","arguments":{"b":1,"a":[2]}}}]},{"role":"tool","tool_name":"f","content":"3"}],"tools":[{"type":"function",)"
      R"("function":{"name":"f","description":"d","parameters":{"type":"object"}}}]})");
  ASSERT_TRUE(parsed);
  const std::vector<Message>& messages = parsed->generation.messages;
  EXPECT_EQ(messages[1].tool_calls[0].arguments, R"({"b":1,"a":[2]})");
  EXPECT_EQ(messages[2].role, Role::kTool);
  EXPECT_EQ(messages[2].tool_name, "f");
  EXPECT_EQ(parsed->generation.tools[0].parameters_schema, R"({"type":"object"})");
}

TEST(OllamaRequest, FormatAndThink) {
  EXPECT_EQ(chat(R"(,"format":"json")").generation.output_format, OutputFormat::kJsonObject);
  EXPECT_EQ(chat(R"(,"format":{"type":"object"})").generation.output_schema, R"({"type":"object"})");
  EXPECT_EQ(chat(R"(,"format":"")").generation.output_format, OutputFormat::kText);
  EXPECT_EQ(chat(R"(,"think":"high")").generation.thinking, true);
  EXPECT_EQ(chat(R"(,"think":false)").generation.thinking, false);
}

TEST(OllamaRequest, AdaptersAreNamedInTheirField) {
  for (const GenerationRequest& request : {chat(R"(,"lora":[{"name":"sql","scale":0.5},{"name":"tone"}])").generation,
                                           generate(R"(,"lora":[{"name":"sql","scale":0.5},{"name":"tone"}])").generation}) {
    ASSERT_EQ(request.adapters.size(), 2U);
    EXPECT_EQ(request.adapters[0].name, "sql");
    EXPECT_EQ(request.adapters[0].scale, 0.5);
    EXPECT_EQ(request.adapters[1].scale, std::nullopt);
  }
  EXPECT_FALSE(parse_chat_request(R"({"model":"m","messages":[],"lora":"sql"})"));
  EXPECT_FALSE(parse_generate_request(R"({"model":"m","prompt":"Hi","lora":[{"scale":1}]})"));
}

TEST(OllamaRequest, GenerateMakesAConversationUnlessRaw) {
  const GenerationRequest asked = generate(R"(,"system":"Be brief")").generation;
  ASSERT_EQ(asked.messages.size(), 2U);
  EXPECT_EQ(asked.messages[0].role, Role::kSystem);
  EXPECT_EQ(asked.messages[1].text, "Hi");
  const ParsedRequest raw = generate(R"(,"raw":true,"template":"x")");
  EXPECT_EQ(raw.generation.prompt_kind, PromptKind::kText);
  EXPECT_TRUE(raw.generation.parse_special);
  EXPECT_EQ(raw.ignored, std::vector<std::string>{"template"});
  const GenerationRequest filled = generate(R"(,"suffix":"end")").generation;
  EXPECT_EQ(filled.prompt_kind, PromptKind::kText);
  EXPECT_EQ(filled.suffix, "end");
  EXPECT_TRUE(parse_generate_request(R"({"model":"m","keep_alive":0})")->only_load);
}

TEST(OllamaRequest, ContextCarriesAConversationThroughWholeNumbers) {
  const std::vector<Message> conversation = {
      {.role = Role::kSystem, .text = "s"}, {.role = Role::kUser, .text = "größe 🙂 12:3"}, {.role = Role::kAssistant, .text = "a\nb"}};
  const std::string context = encode_context(conversation);
  const ParsedRequest parsed = generate(R"(,"context":)" + context);
  ASSERT_EQ(parsed.generation.messages.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(parsed.generation.messages[i], conversation[i]);
  EXPECT_EQ(generate(R"(,"system":"new","context":)" + context).generation.messages[0].text, "new");
}

class RefusedByOllama : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedByOllama, NamesTheField) {
  const Refusal& refusal = GetParam();
  const bool of_chat = refusal.body.contains("messages");
  const auto parsed = of_chat ? parse_chat_request(refusal.body) : parse_generate_request(refusal.body);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().param, refusal.param);
  EXPECT_THAT(parsed.error().message, testing::HasSubstr(refusal.message));
  EXPECT_EQ(parsed.error().code, refusal.code);
}

INSTANTIATE_TEST_SUITE_P(
    Bodies, RefusedByOllama,
    testing::Values(Refusal{R"({"messages":[]})", "model", "required"}, Refusal{R"({"model":"m","messages":3})", "messages", "array"},
                    Refusal{R"({"model":"m","messages":[{"role":"king","content":"x"}]})", "messages.0.role", "king"},
                    Refusal{R"({"model":"m","messages":[{"role":"user","content":["x"]}]})", "messages.0.content", "string"},
                    Refusal{R"({"model":"m","messages":[{"role":"user","content":"x","images":["aGk="]}]})", "messages.0.images.0",
                            "no PNG"},
                    Refusal{R"({"model":"m","messages":[],"format":"xml"})", "format", "schema"},
                    Refusal{R"({"model":"m","messages":[],"keep_alive":"soon"})", "keep_alive", "duration"},
                    Refusal{R"({"model":"m","messages":[],"options":{"temperature":"hot"}})", "options.temperature", "number"},
                    Refusal{R"({"model":"m","messages":[],"options":{"seed":1.5}})", "options.seed", "whole"},
                    Refusal{R"({"model":"m","messages":[],"options":[]})", "options", "object"},
                    Refusal{R"({"model":"m","messages":[],"think":"hard"})", "think", "true"},
                    Refusal{R"({"model":"m","prompt":"x","images":["aGk="]})", "images.0", "no PNG"},
                    Refusal{R"({"model":"m","prompt":"x","images":[7]})", "images", "base64"},
                    Refusal{R"({"model":"m","prompt":"x","raw":true,"system":"s"})", "system", "raw"},
                    Refusal{R"({"model":"m","prompt":"x","context":[1,2,3]})", "context", "not made by this server"},
                    Refusal{R"({"model":"m","prompt":"x","context":[1346719315,4294967295]})", "context", "not made by this server"},
                    Refusal{R"({"model":"m","prompt":"x","context":[1346719315,3,16777215]})", "context", "not made by this server"},
                    Refusal{R"({"model":"m","prompt":"x","context":[1346719315,3,7551546]})", "context", "not made by this server"}));

}  // namespace
}  // namespace pensieve::api::ollama
