#include "api/openai/answer.h"

#include <gmock/gmock.h>

#include <limits>

#include "api/json_value.h"

namespace pensieve::api::openai {
namespace {

using testing::HasSubstr;
using testing::Not;

const Identity kChat{.id = "chatcmpl-1", .model = "tiny", .created = 1700000000};
const Identity kLegacy{.id = "cmpl-1", .model = "tiny", .created = 1700000000, .chat = false};

WholeAnswer answer(std::string text, StopReason reason = StopReason::kEndOfTurn) {
  WholeAnswer result{.model = "tiny", .text = std::move(text)};
  result.finished = {.reason = reason,
                     .usage = {.prompt_tokens = 10,
                               .cached_prompt_tokens = 4,
                               .completion_tokens = 3,
                               .reasoning_tokens = 1,
                               .accepted_prediction_tokens = 2,
                               .rejected_prediction_tokens = 5}};
  return result;
}
Delta delta(std::string text, std::vector<TokenLogprobs> logprobs = {}) {
  return {.text = std::move(text), .tokens = 1, .logprobs = std::move(logprobs)};
}
const TokenLogprobs kToken{{7, "\xC3\xA9", -0.5}, {{7, "\xC3\xA9", -0.5}, {8, "\xC3", -2}}};

TEST(OpenAiAnswer, IsAChatCompletion) {
  EXPECT_EQ(
      whole_body(kChat, {answer("Hi \"you\"")}, 1, false),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"tiny","choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":"Hi \"you\"","refusal":null},"logprobs":null,"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":4},)"
      R"("completion_tokens_details":{"reasoning_tokens":1,"accepted_prediction_tokens":2,"rejected_prediction_tokens":5}},"system_fingerprint":null})");
}

TEST(OpenAiAnswer, IsALegacyCompletion) {
  const std::string body = whole_body(kLegacy, {answer("Hi")}, 1, false);
  EXPECT_THAT(body, HasSubstr(R"("object":"text_completion")"));
  EXPECT_THAT(body, HasSubstr(R"("choices":[{"index":0,"text":"Hi","logprobs":null,"finish_reason":"stop"}])"));
}

TEST(OpenAiAnswer, NamesWhyItEnded) {
  const auto reason = [](StopReason stop) { return whole_body(kChat, {answer("x", stop)}, 1, false); };
  EXPECT_THAT(reason(StopReason::kEndOfTurn), HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_THAT(reason(StopReason::kStopSequence), HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_THAT(reason(StopReason::kMaxTokens), HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(reason(StopReason::kContextFull), HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(reason(StopReason::kToolCalls), HasSubstr(R"("finish_reason":"tool_calls")"));
}

TEST(OpenAiAnswer, CarriesToolCallsAndReasoning) {
  WholeAnswer called = answer("", StopReason::kToolCalls);
  called.reasoning = "hm";
  called.tool_calls = {{"call_1", "read", R"({"p":1})"}};
  EXPECT_THAT(whole_body(kChat, {called}, 1, false),
              HasSubstr(R"("message":{"role":"assistant","content":null,"refusal":null,"reasoning_content":"hm",)"
                        R"("tool_calls":[{"id":"call_1","type":"function","function":{"name":"read","arguments":"{\"p\":1}"}}]})"));
}

TEST(OpenAiAnswer, CountsThePromptOfSeveralChoicesOnce) {
  EXPECT_THAT(whole_body(kChat, {answer("a"), answer("b")}, 2, false),
              HasSubstr(R"("usage":{"prompt_tokens":10,"completion_tokens":6,"total_tokens":16)"));
  EXPECT_THAT(whole_body(kLegacy, {answer("a"), answer("b")}, 1, false),
              HasSubstr(R"("usage":{"prompt_tokens":20,"completion_tokens":6,"total_tokens":26)"));
}

TEST(OpenAiAnswer, WritesChatLogProbabilitiesWithTheBytes) {
  WholeAnswer scored = answer("\xC3\xA9");
  scored.logprobs = {kToken};
  EXPECT_THAT(whole_body(kChat, {scored}, 1, true),
              HasSubstr("\"logprobs\":{\"content\":[{\"token\":\"\xC3\xA9\",\"logprob\":-0.5,\"bytes\":[195,169],\"top_logprobs\":["
                        "{\"token\":\"\xC3\xA9\",\"logprob\":-0.5,\"bytes\":[195,169]},"
                        "{\"token\":\"\xEF\xBF\xBD\",\"logprob\":-2,\"bytes\":[195]}]}],\"refusal\":null}"));
}

TEST(OpenAiAnswer, WritesLegacyLogProbabilitiesWithOffsetsInCharacters) {
  WholeAnswer scored = answer("\xC3\xA9\xC3\xA9");
  scored.logprobs = {kToken, kToken};
  const std::string body = whole_body(kLegacy, {scored}, 1, true);
  EXPECT_THAT(body, HasSubstr("\"tokens\":[\"\xC3\xA9\",\"\xC3\xA9\"],\"token_logprobs\":[-0.5,-0.5]"));
  EXPECT_THAT(body, HasSubstr(R"("text_offset":[0,1])"));
}

TEST(OpenAiAnswer, TheFirstTokenOfAnEchoedPromptHasNoProbability) {
  WholeAnswer echoed = answer("\xC3\xA9\xC3\xA9");
  echoed.logprobs = {{{7, "\xC3\xA9", std::numeric_limits<double>::quiet_NaN()}, {}}, kToken};
  const std::string body = whole_body(kLegacy, {echoed}, 1, true);
  EXPECT_THAT(body, HasSubstr(R"("token_logprobs":[null,-0.5],"top_logprobs":[null,{)"));
  EXPECT_THAT(body, HasSubstr(R"("text_offset":[0,1])"));
}

TEST(OpenAiStream, BeginsWithTheRoleAndEndsWithTheReason) {
  ChunkWriter chunks(kChat, false, false);
  EXPECT_EQ(chunks.event(0, Started{}),
            R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"tiny","system_fingerprint":null,)"
            R"("choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]})"
            "\n\n");
  EXPECT_THAT(chunks.event(0, delta("Hi")), HasSubstr(R"("delta":{"content":"Hi"},"logprobs":null,"finish_reason":null)"));
  EXPECT_THAT(chunks.event(0, Delta{.text = "", .reasoning = "hm"}), HasSubstr(R"("delta":{"reasoning_content":"hm"})"));
  EXPECT_THAT(chunks.event(0, Delta{.text = "a", .reasoning = "hm"}), HasSubstr(R"("delta":{"reasoning_content":"hm","content":"a"})"));
  EXPECT_THAT(chunks.event(0, Finished{StopReason::kMaxTokens}), HasSubstr(R"("delta":{},"logprobs":null,"finish_reason":"length")"));
}

TEST(OpenAiStream, EveryChunkIsOneEventOfWholeJsonWithTheSameIdentity) {
  ChunkWriter chunks(kChat, true, true);
  for (const std::string& chunk :
       {chunks.event(0, Started{}), chunks.event(0, delta("line\nfeed", {kToken})),
        chunks.event(0, ToolCallDelta{0, "call_1", "read", "{"}), chunks.event(0, Finished{}), chunks.usage({})}) {
    ASSERT_TRUE(chunk.starts_with("data: {") && chunk.ends_with("}\n\n")) << chunk;
    const auto json = parse_body(std::string_view(chunk).substr(6));
    ASSERT_TRUE(json) << chunk;
    EXPECT_EQ(json->at("id").get_string(), "chatcmpl-1");
    EXPECT_EQ(json->at("created").as_number(), 1700000000);
    EXPECT_TRUE(json->get_object().contains("usage"));
  }
}

TEST(OpenAiStream, NumbersItsChoices) {
  ChunkWriter chunks(kChat, false, false);
  EXPECT_THAT(chunks.event(1, Started{}), HasSubstr(R"("choices":[{"index":1,"delta":{"role":)"));
  EXPECT_THAT(chunks.event(1, delta("x")), HasSubstr(R"("index":1)"));
}

TEST(OpenAiStream, ToolCallsComeInPieces) {
  ChunkWriter chunks(kChat, false, false);
  EXPECT_THAT(
      chunks.event(0, ToolCallDelta{0, "call_1", "read", ""}),
      HasSubstr(R"("delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"read","arguments":""}}]})"));
  EXPECT_THAT(chunks.event(0, ToolCallDelta{0, "", "", "{}"}),
              HasSubstr(R"("delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})"));
  EXPECT_THAT(chunks.event(0, Finished{}), HasSubstr(R"("finish_reason":"tool_calls")"));
  EXPECT_THAT(chunks.event(1, Finished{}), HasSubstr(R"("finish_reason":"stop")"));
}

TEST(OpenAiStream, UsageComesInAChunkOfItsOwnIfAskedFor) {
  ChunkWriter chunks(kChat, true, false);
  EXPECT_THAT(chunks.event(0, delta("x")), HasSubstr(R"("usage":null})"));
  EXPECT_THAT(chunks.usage({.prompt_tokens = 2, .completion_tokens = 3}),
              HasSubstr(R"("choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3)"));
  EXPECT_THAT(ChunkWriter(kChat, false, false).event(0, delta("x")), Not(HasSubstr("usage")));
}

TEST(OpenAiStream, LegacyChunksHaveTextAndOffsetsOfTheirOwnChoice) {
  ChunkWriter chunks(kLegacy, false, true);
  EXPECT_EQ(chunks.event(0, Started{}), "");
  EXPECT_THAT(chunks.event(0, delta("\xC3\xA9", {kToken})), HasSubstr(R"("text_offset":[0])"));
  EXPECT_THAT(chunks.event(1, delta("\xC3\xA9", {kToken})), HasSubstr(R"("text_offset":[0])"));
  EXPECT_THAT(chunks.event(0, delta("\xC3\xA9", {kToken})), HasSubstr(R"("text_offset":[1])"));
  EXPECT_THAT(chunks.event(0, Finished{}), HasSubstr(R"("text":"","logprobs":null,"finish_reason":"stop")"));
}

TEST(OpenAiStream, ErrorsAreOneEvent) {
  EXPECT_EQ(ChunkWriter::error({ErrorCode::kWorkerLost, "gone", "", ""}, "req_1"),
            "data: {\"error\":{\"message\":\"gone\",\"type\":\"api_error\",\"param\":null,\"code\":\"worker_lost\"}}\n\n");
}

}  // namespace
}  // namespace pensieve::api::openai
