#include "manager/answer_so_far.h"

#include <gtest/gtest.h>

#include <vector>

namespace pensieve {
namespace {

GenerationRequest question() {
  GenerationRequest request;
  request.messages = {{.role = Role::kUser, .text = "Tell me a story."}};
  request.max_tokens = 20;
  return request;
}

Delta text(std::string words, std::int32_t tokens) {
  Delta delta;
  delta.text = std::move(words);
  delta.tokens = tokens;
  return delta;
}

std::vector<GenerationEvent> passed(AnswerSoFar& answer, std::vector<GenerationEvent> events) {
  std::deque<GenerationEvent> out;
  for (GenerationEvent& event : events) answer.pass(std::move(event), out);
  return {out.begin(), out.end()};
}

TEST(AnswerSoFar, BeforeAnyTextTheSameRequestIsAskedAgain) {
  AnswerSoFar answer(question());
  EXPECT_EQ(passed(answer, {Started{{.prompt_tokens = 9}}}).size(), 1U);
  EXPECT_FALSE(answer.interrupt());
  EXPECT_EQ(answer.continuation(), question());
  EXPECT_TRUE(passed(answer, {Started{{.prompt_tokens = 8}}}).empty());  // the client has one already
}

TEST(AnswerSoFar, TheContinuationTakesTheTextAsTheBeginningOfTheAnswerAndOnlyTheTokensLeft) {
  GenerationRequest asked = question();
  asked.sampling.seed = 7;
  asked.stop = {"END"};
  AnswerSoFar answer(asked);
  passed(answer, {Started{}, text("Once upon", 2), text(" a time", 3)});
  EXPECT_FALSE(answer.interrupt());
  const auto request = answer.continuation();
  ASSERT_TRUE(request);
  ASSERT_EQ(request->messages.size(), 2U);
  EXPECT_EQ(request->messages[1], (Message{.role = Role::kAssistant, .text = "Once upon a time"}));
  EXPECT_TRUE(request->continue_last_message);
  EXPECT_EQ(request->begun_answer, "Once upon a time");
  EXPECT_EQ(request->max_tokens, 15);
  EXPECT_EQ(request->stop, asked.stop);
  EXPECT_NE(request->sampling.seed, asked.sampling.seed);
}

TEST(AnswerSoFar, AClientsOwnBeginningOfTheAnswerStaysBeforeOurs) {
  GenerationRequest asked = question();
  asked.messages.push_back({.role = Role::kAssistant, .text = "It was"});
  asked.continue_last_message = true;
  AnswerSoFar answer(asked);
  passed(answer, {Started{}, text(" dark", 1)});
  const auto request = answer.continuation();
  ASSERT_EQ(request->messages.size(), 2U);
  EXPECT_EQ(request->messages[1].text, "It was dark");
  EXPECT_EQ(request->begun_answer, " dark");
}

TEST(AnswerSoFar, ReasoningGoesOnApartFromText) {
  AnswerSoFar answer(question());
  Delta thought;
  thought.reasoning = "The user wants";
  thought.tokens = 3;
  passed(answer, {Started{}, thought});
  const auto request = answer.continuation();
  EXPECT_EQ(request->messages[1].reasoning, "The user wants");
  EXPECT_EQ(request->messages[1].text, "");
  EXPECT_EQ(request->max_tokens, 17);
}

TEST(AnswerSoFar, UsageCountsThePromptOnceAndTheTokensOfAllWorkers) {
  AnswerSoFar answer(question());
  passed(answer, {Started{{.prompt_tokens = 9, .cached_prompt_tokens = 4}}, text("a b c", 3)});
  answer.interrupt();
  Finished last{.usage = {.prompt_tokens = 12, .cached_prompt_tokens = 0, .completion_tokens = 2}, .timings = {.decode_us = 2000}};
  const auto rest = passed(answer, {Started{{.prompt_tokens = 12}}, text(" d e", 2), last});
  ASSERT_EQ(rest.size(), 2U);
  const auto& finished = std::get<Finished>(rest[1]);
  EXPECT_EQ(finished.usage, (Usage{.prompt_tokens = 9, .cached_prompt_tokens = 4, .completion_tokens = 5}));
  EXPECT_EQ(finished.timings.decode_us, 5000);  // at the same pace
}

TEST(AnswerSoFar, AnAnswerThatHadReachedItsLastTokenIsWhole) {
  GenerationRequest asked = question();
  asked.max_tokens = 2;
  AnswerSoFar answer(asked);
  passed(answer, {Started{{.prompt_tokens = 9}}, text("a b", 2)});
  const auto end = answer.interrupt();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, StopReason::kMaxTokens);
  EXPECT_EQ(end->usage.completion_tokens, 2);
}

TEST(AnswerSoFar, APlainPromptGoesOnFromItsTextWithoutASecondEcho) {
  GenerationRequest asked;
  asked.prompt_kind = PromptKind::kText;
  asked.prompt = "1, 2,";
  asked.echo_prompt = true;
  AnswerSoFar answer(asked);
  EXPECT_EQ(passed(answer, {Started{}, text("1, 2,", 0)}).size(), 2U);
  EXPECT_FALSE(answer.continuation()->echo_prompt);
  EXPECT_EQ(answer.continuation()->prompt, "1, 2,");
  passed(answer, {text(" 3,", 2)});
  EXPECT_EQ(answer.continuation()->prompt, "1, 2, 3,");
  EXPECT_FALSE(answer.continuation()->echo_prompt);
}

TEST(AnswerSoFar, APromptOfTokensGoesOnAsTextWhichTheClientDoesNotSee) {
  GenerationRequest asked;
  asked.prompt_kind = PromptKind::kTokens;
  asked.prompt_tokens = {5, 6};
  AnswerSoFar answer(asked);
  EXPECT_TRUE(answer.first_request().echo_prompt);
  const auto seen = passed(answer, {Started{}, text("five six", 0), text(" seven", 1)});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(std::get<Delta>(seen[1]).text, " seven");
  const auto request = answer.continuation();
  EXPECT_EQ(request->prompt_kind, PromptKind::kText);
  EXPECT_EQ(request->prompt, "five six seven");
  EXPECT_TRUE(request->prompt_tokens.empty());
}

TEST(AnswerSoFar, APromptOfTokensWithoutItsTextCannotGoOn) {
  GenerationRequest asked;
  asked.prompt_kind = PromptKind::kTokens;
  asked.prompt_tokens = {5, 6};
  asked.top_logprobs = 0;
  AnswerSoFar answer(asked);
  EXPECT_EQ(answer.continuation(), asked);
  passed(answer, {Started{}, text(" seven", 1)});
  EXPECT_FALSE(answer.continuation());
}

TEST(AnswerSoFar, TheFirstToolCallComesAsItIsWrittenAndFurtherOnesWhole) {
  AnswerSoFar answer(question());
  const auto seen = passed(answer, {Started{}, ToolCallDelta{0, "call_1", "look", {}}, ToolCallDelta{0, "", "", R"({"at":)"},
                                    ToolCallDelta{0, "", "", "1}"}, ToolCallDelta{1, "call_2", "see", {}}, ToolCallDelta{1, "", "", "{"},
                                    ToolCallDelta{1, "", "", "}"}, Finished{.reason = StopReason::kToolCalls}});
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_EQ(std::get<ToolCallDelta>(seen[2]), (ToolCallDelta{0, "", "", R"({"at":)"}));
  EXPECT_EQ(std::get<ToolCallDelta>(seen[4]), (ToolCallDelta{1, "call_2", "see", "{}"}));
}

TEST(AnswerSoFar, AnUnfinishedFirstCallGoesOnFromTheArgumentsThatWereSent) {
  AnswerSoFar answer(question());
  passed(answer, {Started{}, text("Let me see.", 4), ToolCallDelta{0, "call_1", "look", {}}, ToolCallDelta{0, "", "", R"({"at":")"},
                  ToolCallDelta{0, "", "", R"(}\")"}});
  EXPECT_FALSE(answer.interrupt());
  EXPECT_TRUE(answer.begun());
  const auto request = answer.continuation();
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->continue_last_message);
  EXPECT_EQ(request->messages.back(),
            (Message{.role = Role::kAssistant, .text = "Let me see.", .tool_calls = {{"call_1", "look", R"({"at":"}\")"}}}));
  EXPECT_EQ(request->max_tokens, 13) << "less by what the call took, roughly";
  const auto rest = passed(answer, {Started{}, ToolCallDelta{0, "", "", R"("})"}, Finished{.reason = StopReason::kToolCalls}});
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(std::get<ToolCallDelta>(rest[0]), (ToolCallDelta{0, "", "", R"("})"}));
}

TEST(AnswerSoFar, AFirstCallWhoseArgumentsAreWholeEndsTheAnswer) {
  AnswerSoFar answer(question());
  passed(answer, {Started{}, ToolCallDelta{0, "call_1", "look", {}}, ToolCallDelta{0, "", "", R"({"at":[{}]})"}});
  const auto end = answer.interrupt();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, StopReason::kToolCalls);
}

TEST(AnswerSoFar, WhereNobodyWouldGoOnAToolCallComesAsItIsWritten) {
  AnswerSoFar answer(question(), false);
  const auto seen = passed(answer, {Started{}, ToolCallDelta{0, "call_1", "look", {}}, ToolCallDelta{0, "", "", R"({"at":)"}});
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_FALSE(answer.interrupt()) << "a call that is cut is no whole answer";
}

TEST(AnswerSoFar, AfterAWholeToolCallTheAnswerEnds) {
  AnswerSoFar answer(question());
  const auto seen = passed(
      answer, {Started{{.prompt_tokens = 9}}, ToolCallDelta{0, "call_1", "look", "{}"}, ToolCallDelta{1, "call_2", "look", R"({"unfin)"}});
  ASSERT_EQ(seen.size(), 2U);
  const auto end = answer.interrupt();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, StopReason::kToolCalls);
  EXPECT_EQ(end->usage.prompt_tokens, 9);
}

}  // namespace
}  // namespace pensieve
