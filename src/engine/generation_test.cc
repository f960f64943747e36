#include "engine/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/fake_batch_model.h"
#include "engine/fake_grammar.h"

namespace pensieve::engine {
namespace {

class GenerationTest : public testing::Test {
 protected:
  // Runs an answer of a model that wants to write `wanted`, token by token, whatever came of it, and then to end.
  void run(AnswerPlan plan, const std::vector<Token>& wanted) {
    PreparedRequest prepared;
    prepared.control = std::make_shared<StreamControl>();
    prepared.request = request;
    if (plan.whole || plan.calls) plan.groups = std::make_shared<const TokenGroups>(vocabulary);
    prepared.prompt = Prompt{.tokens = {1}, .answer = std::make_shared<const AnswerPlan>(std::move(plan))};
    const EventSink sink = [&](ipc::StreamId, GenerationEvent event) { events.push_back(std::move(event)); };
    Generation generation(std::move(prepared), vocabulary, sink, 1, 1000);
    generation.admit(0);
    generation.begin({});
    for (std::size_t i = 0; i < 900; ++i) {
      std::vector<float> logits(vocabulary.size());
      for (std::size_t token = 0; token < logits.size(); ++token) logits[token] = -1.0F - static_cast<float>(token) / 1000;
      logits[static_cast<std::size_t>(i < wanted.size() ? wanted[i] : FakeVocabulary::kEnd)] = 9;
      if (generation.advance(logits, {})) return;
    }
    FAIL() << "the answer never ends";
  }
  void run(AnswerPlan plan, std::string_view wanted) {
    std::vector<Token> tokens;
    for (const char c : wanted) tokens.push_back(static_cast<unsigned char>(c));
    run(std::move(plan), tokens);
  }

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const auto& event : events) {
      if (const auto* delta = std::get_if<Delta>(&event)) text += delta->text;
    }
    return text;
  }
  [[nodiscard]] std::vector<ToolCall> calls() const {
    std::vector<ToolCall> calls;
    for (const auto& event : events) {
      const auto* delta = std::get_if<ToolCallDelta>(&event);
      if (delta == nullptr) continue;
      if (static_cast<std::size_t>(delta->index) == calls.size()) calls.push_back({delta->id, delta->name, ""});
      calls.at(static_cast<std::size_t>(delta->index)).arguments += delta->arguments_delta;
    }
    return calls;
  }
  [[nodiscard]] Finished end() const { return std::get<Finished>(events.back()); }

  static AnswerPlan hermes() {
    AnswerPlan plan;
    plan.reading.tools = &built_in_tool_format();
    plan.reading.tool_names = {"now"};
    return plan;
  }

  GenerationTest() { request.sampling.temperature = 0; }

  FakeVocabulary vocabulary{{"<think>"}};
  GenerationRequest request;
  std::vector<GenerationEvent> events;
};

TEST_F(GenerationTest, HoldsTheAnswerToItsGrammarWhateverTheModelWants) {
  for (const float temperature : {0.0F, 1.0F}) {
    events.clear();
    request.sampling.temperature = temperature;
    AnswerPlan plan;
    plan.whole = std::make_shared<FakeGrammar>(std::vector<std::string>{"{\"a\":1}", "{\"b\":é}"});
    run(std::move(plan), "xxx\"b and more");
    EXPECT_THAT(text(), testing::AnyOf("{\"a\":1}", "{\"b\":é}"));
    EXPECT_EQ(end().reason, StopReason::kEndOfTurn);
  }
}

TEST_F(GenerationTest, GoesOnInItsGrammarBehindABeginningThatWasWrittenBefore) {
  for (const std::string begun : {"{\"a\":", "{\"é\":"}) {
    events.clear();
    AnswerPlan plan{.begun = begun};
    plan.whole = std::make_shared<FakeGrammar>(std::vector<std::string>{"{\"a\":1}", "{\"é\":1}"});
    run(std::move(plan), "{\"a\":");
    EXPECT_EQ(text(), "1}");
    EXPECT_EQ(end().reason, StopReason::kEndOfTurn);
  }
}

TEST_F(GenerationTest, ClosesAStructuredAnswerBeforeItsLimitAndSaysSo) {
  std::vector<std::string> texts;
  for (int length = 0; length < 300; ++length) texts.push_back("{\"a\":\"" + std::string(static_cast<std::size_t>(length), 'x') + "\"}");
  AnswerPlan plan;
  plan.whole = std::make_shared<FakeGrammar>(texts);
  request.max_tokens = 60;
  run(std::move(plan), "{\"a\":\"" + std::string(200, 'x'));
  EXPECT_TRUE(text().ends_with("x\"}")) << text();
  EXPECT_GT(text().size(), 40U);
  EXPECT_EQ(end().reason, StopReason::kMaxTokens);
}

TEST_F(GenerationTest, LooksSeldomForTheEndOfAnAnswerThatItsLimitHasNoRoomFor) {
  const auto grammar = std::make_shared<FakeGrammar>(std::vector<std::string>{"\"" + std::string(600, 'x') + "\""});
  AnswerPlan plan;
  plan.whole = grammar;
  request.max_tokens = 200;
  run(std::move(plan), "\"" + std::string(600, 'x'));
  EXPECT_EQ(text().size(), 200U);
  EXPECT_EQ(end().reason, StopReason::kMaxTokens);
  EXPECT_LT(grammar->looks, 30);
}

TEST_F(GenerationTest, HoldsACallFromWhereTheModelBeginsIt) {
  AnswerPlan plan = hermes();
  plan.calls = std::make_shared<FakeGrammar>(std::vector<std::string>{"\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"});
  run(std::move(plan), "I see.\n<tool_call>\n{\"name\": \"later\", \"arguments\": []}");
  EXPECT_EQ(text(), "I see.");
  ASSERT_EQ(calls().size(), 1U);
  EXPECT_EQ(calls()[0].name, "now");
  EXPECT_EQ(calls()[0].arguments, "{}");
  EXPECT_TRUE(calls()[0].id.starts_with("call_"));
  EXPECT_EQ(end().reason, StopReason::kToolCalls);
}

TEST_F(GenerationTest, GoesOnWithinACallThatItsClientHasThePartOf) {
  AnswerPlan plan = hermes();
  plan.begun = "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"in\": \"Ro";
  plan.within_call = true;
  plan.whole = std::make_shared<FakeGrammar>(std::vector<std::string>{plan.begun + "me\"}}\n</tool_call>"});
  run(std::move(plan), "xx and more");
  EXPECT_EQ(text(), "");
  std::string rest;
  for (const auto& event : events) {
    const auto* piece = std::get_if<ToolCallDelta>(&event);
    if (piece == nullptr) continue;
    EXPECT_EQ(piece->index, 0);
    EXPECT_EQ(piece->id + piece->name, "") << "the client has them";
    rest += piece->arguments_delta;
  }
  EXPECT_EQ(rest, "me\"}");
  EXPECT_EQ(end().reason, StopReason::kToolCalls);
}

TEST_F(GenerationTest, LeavesFreeTextAloneWhereToolsAreOnlyOffered) {
  AnswerPlan plan = hermes();
  plan.calls = std::make_shared<FakeGrammar>(std::vector<std::string>{"\nx"});
  run(std::move(plan), "Just < text <tool.");
  EXPECT_EQ(text(), "Just < text <tool.");
  EXPECT_EQ(end().reason, StopReason::kEndOfTurn);
}

TEST_F(GenerationTest, SaysThatACallWasCut) {
  AnswerPlan plan = hermes();
  request.max_tokens = 50;
  run(std::move(plan), "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"a\": \"" + std::string(100, 'x'));
  ASSERT_EQ(calls().size(), 1U);
  EXPECT_TRUE(calls()[0].arguments.starts_with("{\"a\": \""));
  EXPECT_EQ(end().reason, StopReason::kMaxTokens);
}

TEST_F(GenerationTest, AppliesStopStringsToTextAndNotToArguments) {
  request.stop = {"}"};
  run(hermes(), "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>");
  ASSERT_EQ(calls().size(), 1U);
  EXPECT_EQ(end().reason, StopReason::kToolCalls);
  events.clear();
  run(hermes(), "a}b");
  EXPECT_EQ(text(), "a");
  EXPECT_EQ(end().reason, StopReason::kStopSequence);
}

TEST_F(GenerationTest, CountsReasoningApartAndConstrainsWhatFollows) {
  AnswerPlan plan;
  plan.reading.reasoning = {"<think>", "</think>"};
  plan.reading.may_reason = true;
  plan.marks = vocabulary.tokenize("<think>", true);
  plan.whole = std::make_shared<FakeGrammar>(std::vector<std::string>{"yes"});
  std::vector<Token> wanted = plan.marks;
  for (const char c : std::string_view("hm</think>no")) wanted.push_back(static_cast<unsigned char>(c));
  run(std::move(plan), wanted);
  std::string reasoning;
  for (const auto& event : events) {
    if (const auto* delta = std::get_if<Delta>(&event)) reasoning += delta->reasoning;
  }
  EXPECT_EQ(reasoning, "hm");
  EXPECT_EQ(text(), "yes");
  EXPECT_EQ(end().usage.reasoning_tokens, 11);
  EXPECT_EQ(end().usage.completion_tokens, 14);
}

}  // namespace
}  // namespace pensieve::engine
