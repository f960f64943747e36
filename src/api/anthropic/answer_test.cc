#include "api/anthropic/answer.h"

#include <gmock/gmock.h>

namespace pensieve::api::anthropic {
namespace {

using testing::HasSubstr;

const Usage kUsage{.prompt_tokens = 10, .cached_prompt_tokens = 4, .completion_tokens = 3};

WholeAnswer answer(std::string text, StopReason reason = StopReason::kEndOfTurn, std::string stop = "") {
  WholeAnswer result{.model = "tiny", .text = std::move(text)};
  result.finished = {.reason = reason, .stop_sequence = std::move(stop), .usage = kUsage};
  return result;
}

std::string block_start(int index, const std::string& block) {
  return "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":" + std::to_string(index) +
         ",\"content_block\":" + block + "}\n\n";
}
std::string block_delta(int index, const std::string& delta) {
  return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":" + std::to_string(index) + ",\"delta\":" + delta +
         "}\n\n";
}
std::string block_stop(int index) {
  return "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":" + std::to_string(index) + "}\n\n";
}
const std::string kEmptyText = R"({"type":"text","text":""})";
std::string end(const std::string& reason) {
  return "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" + reason +
         "\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":6,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":4,"
         "\"output_tokens\":3,\"pensieve\":{\"model\":\"tiny\",\"decision\":\"req_1\",\"degraded\":null}}}\n\nevent: message_stop\ndata: "
         "{\"type\":\"message_stop\"}\n\n";
}

TEST(AnthropicAnswer, IsAMessageAndCountsCachedTokensApart) {
  EXPECT_EQ(message_body("msg_1", answer("Hi \"you\"")),
            R"({"id":"msg_1","type":"message","role":"assistant","model":"tiny","content":[{"type":"text","text":"Hi \"you\""}],)"
            R"("stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":6,"cache_creation_input_tokens":0,)"
            R"("cache_read_input_tokens":4,"output_tokens":3}})");
}

TEST(AnthropicAnswer, NamesWhyItEnded) {
  const auto fields = [](StopReason reason, std::string stop = "") { return message_body("msg_1", answer("x", reason, std::move(stop))); };
  EXPECT_THAT(fields(StopReason::kStopSequence, "END\n"), HasSubstr(R"("stop_reason":"stop_sequence","stop_sequence":"END\n")"));
  EXPECT_THAT(fields(StopReason::kMaxTokens), HasSubstr(R"("stop_reason":"max_tokens","stop_sequence":null)"));
  EXPECT_THAT(fields(StopReason::kContextFull), HasSubstr(R"("stop_reason":"model_context_window_exceeded","stop_sequence":null)"));
  EXPECT_THAT(fields(StopReason::kToolCalls), HasSubstr(R"("stop_reason":"tool_use","stop_sequence":null)"));
}

TEST(AnthropicAnswer, HasABlockForEachKindOfContent) {
  WholeAnswer called = answer("So:", StopReason::kToolCalls);
  called.reasoning = "hm";
  called.tool_calls = {{"toolu_1", "read", R"({"p":1})"}, {"toolu_2", "now", ""}};
  EXPECT_THAT(
      message_body("msg_1", called),
      HasSubstr(
          R"("content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"So:"},)"
          R"({"type":"tool_use","id":"toolu_1","name":"read","input":{"p":1}},{"type":"tool_use","id":"toolu_2","name":"now","input":{}}])"));
  EXPECT_THAT(message_body("msg_1", answer("")), HasSubstr(R"("content":[],)"));
}

class AnthropicStream : public testing::Test {
 protected:
  std::string event(const GenerationEvent& event) { return events_.event(event, {.model = "tiny", .decision = "req_1"}); }
  StreamWriter events_{"msg_1", "tiny"};
};

TEST_F(AnthropicStream, BeginsWithTheMessageAndItsUsage) {
  EXPECT_EQ(
      events_.begin({.prompt_tokens = 10, .cached_prompt_tokens = 4}),
      "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
      "\"model\":\"tiny\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":6,"
      "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n");
  EXPECT_EQ(event(Started{}), "");
}

TEST_F(AnthropicStream, HasTheOfficialSequenceForText) {
  EXPECT_EQ(event(Delta{.text = "Hi"}), block_start(0, kEmptyText) + block_delta(0, R"({"type":"text_delta","text":"Hi"})"));
  EXPECT_EQ(event(Delta{.text = "\n"}), block_delta(0, R"({"type":"text_delta","text":"\n"})"));
  EXPECT_EQ(event(Finished{.usage = kUsage}), block_stop(0) + end("end_turn"));
}

TEST_F(AnthropicStream, HasABlockForEachKindOfContent) {
  EXPECT_EQ(event(Delta{.text = "", .reasoning = "hm"}), block_start(0, R"({"type":"thinking","thinking":"","signature":""})") +
                                                             block_delta(0, R"({"type":"thinking_delta","thinking":"hm"})"));
  EXPECT_EQ(event(Delta{.text = "So"}), block_delta(0, R"({"type":"signature_delta","signature":""})") + block_stop(0) +
                                            block_start(1, kEmptyText) + block_delta(1, R"({"type":"text_delta","text":"So"})"));
  EXPECT_EQ(event(ToolCallDelta{0, "toolu_1", "read", ""}),
            block_stop(1) + block_start(2, R"({"type":"tool_use","id":"toolu_1","name":"read","input":{}})"));
  EXPECT_EQ(event(ToolCallDelta{0, "", "", "{}"}), block_delta(2, R"({"type":"input_json_delta","partial_json":"{}"})"));
  EXPECT_EQ(event(ToolCallDelta{1, "toolu_2", "now", "{}"}),
            block_stop(2) + block_start(3, R"({"type":"tool_use","id":"toolu_2","name":"now","input":{}})") +
                block_delta(3, R"({"type":"input_json_delta","partial_json":"{}"})"));
  EXPECT_EQ(event(Finished{.reason = StopReason::kToolCalls, .usage = kUsage}), block_stop(3) + end("tool_use"));
}

TEST_F(AnthropicStream, AnEmptyAnswerHasNoBlock) { EXPECT_EQ(event(Finished{.usage = kUsage}), end("end_turn")); }

TEST_F(AnthropicStream, NamesTheStopSequence) {
  EXPECT_THAT(event(Finished{.reason = StopReason::kStopSequence, .stop_sequence = "END"}),
              HasSubstr(R"("delta":{"stop_reason":"stop_sequence","stop_sequence":"END"})"));
}

TEST_F(AnthropicStream, ErrorsAreOneEventOfTheOwnShape) {
  EXPECT_EQ(
      event(Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}),
      "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"gone\"},\"request_id\":\"req_1\"}\n\n");
}

}  // namespace
}  // namespace pensieve::api::anthropic
