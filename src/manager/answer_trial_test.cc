#include "manager/answer_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "manager/fake_generations.h"

namespace pensieve {
namespace {

using enum AnswerTrial::Verdict;
using testing::HasSubstr;

const std::vector<ToolDefinition> kTools = {{.name = "read"}};
const Finished kEnd{};

TEST(AnswerTrial, TrustsSureTokensOnceThereAreEnough) {
  AnswerTrial trial({}, 3, 0.6);
  EXPECT_EQ(trial.add(Started{}), kOpen);
  EXPECT_EQ(trial.add(scored_delta("The", std::log(0.8))), kOpen);
  EXPECT_EQ(trial.add(scored_delta(" answer", std::log(0.9))), kOpen);
  EXPECT_EQ(trial.add(scored_delta(" is", std::log(0.5))), kTrusted);
  EXPECT_NEAR(trial.confidence(), std::cbrt(0.8 * 0.9 * 0.5), 1e-9);
  EXPECT_EQ(trial.tokens(), 3);
}

TEST(AnswerTrial, DoubtsGuesses) {
  AnswerTrial trial({}, 2, 0.6);
  trial.add(scored_delta("Perhaps", std::log(0.2)));
  EXPECT_EQ(trial.add(scored_delta(" so", std::log(0.9))), kDoubted);
  EXPECT_THAT(trial.reason(), HasSubstr("confidence is 0.42, below 0.60"));
}

TEST(AnswerTrial, JudgesAShortAnswerAtItsEnd) {
  AnswerTrial sure({}, 16, 0.6);
  sure.add(scored_delta("Paris", -0.01));
  EXPECT_EQ(sure.add(kEnd), kTrusted);
  AnswerTrial empty({}, 16, 0.6);
  EXPECT_EQ(empty.add(kEnd), kDoubted);
  EXPECT_THAT(empty.reason(), HasSubstr("empty"));
}

TEST(AnswerTrial, DoubtsRefusalsHoweverSure) {
  for (const char* text :
       {"I'm sorry, but I can't", " I\xE2\x80\x99m sorry, but", "As an AI language model, I", "Unfortunately, I cannot help"}) {
    AnswerTrial trial({}, 1, 0.6);
    EXPECT_EQ(trial.add(scored_delta(text, -0.01)), kDoubted) << text;
    EXPECT_EQ(trial.reason(), "it declines");
  }
  EXPECT_FALSE(begins_with_refusal("I can certainly help"));
  EXPECT_FALSE(begins_with_refusal(""));
}

TEST(AnswerTrial, DoubtsWhatFailsOrHasNoProbabilities) {
  AnswerTrial failed({}, 1, 0.6);
  EXPECT_EQ(failed.add(Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}), kDoubted);
  AnswerTrial blind({}, 1, 0.6);
  EXPECT_EQ(blind.add(Delta{.text = "Hi", .tokens = 1}), kDoubted);
}

TEST(AnswerTrial, AToolCallIsJudgedWhole) {
  AnswerTrial good(kTools, 1, 0.6);
  EXPECT_EQ(good.add(ToolCallDelta{0, "c1", "read", R"({"path":)"}), kOpen);
  EXPECT_EQ(good.add(ToolCallDelta{0, "", "", R"("a"})"}), kOpen);
  EXPECT_EQ(good.add(Finished{.reason = StopReason::kToolCalls}), kTrusted);
  AnswerTrial broken(kTools, 1, 0.6);
  broken.add(ToolCallDelta{0, "c1", "read", R"({"path":)"});
  EXPECT_EQ(broken.add(Finished{.reason = StopReason::kToolCalls}), kDoubted);
  EXPECT_EQ(broken.reason(), "its tool call is malformed");
  AnswerTrial unknown(kTools, 1, 0.6);
  unknown.add(ToolCallDelta{0, "c1", "delete_all", "{}"});
  EXPECT_EQ(unknown.add(Finished{}), kDoubted);
  EXPECT_EQ(unknown.reason(), "there is no tool 'delete_all'");
}

TEST(AnswerTrial, DoubtsACallThatStayedText) {
  for (const char* text : {"<tool_call>\n{\"name\": \"read\"", R"({"name": "read", "arguments": {)"}) {
    AnswerTrial trial(kTools, 1, 0.6);
    EXPECT_EQ(trial.add(scored_delta(text, -0.01)), kDoubted) << text;
    AnswerTrial without({}, 1, 0.6);
    EXPECT_EQ(without.add(scored_delta(text, -0.01)), kTrusted) << "without tools it is just text";
  }
}

TEST(AnswerTrial, IsBoundedForCallsThatDoNotEnd) {
  AnswerTrial trial(kTools, 1, 0.6);
  AnswerTrial::Verdict verdict = trial.add(ToolCallDelta{0, "c", "read", "{"});
  for (int i = 0; i < 100 && verdict == kOpen; ++i) verdict = trial.add(ToolCallDelta{0, "", "", std::string(1024, 'x')});
  EXPECT_EQ(verdict, kDoubted);
  AnswerTrial many(kTools, 1, 0.6);
  EXPECT_EQ(many.add(ToolCallDelta{1'000'000'000, "c", "read", "{}"}), kDoubted);
}

}  // namespace
}  // namespace pensieve
