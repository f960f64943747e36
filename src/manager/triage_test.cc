#include "manager/triage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "manager/fake_generations.h"

namespace pensieve {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TokenLogprobs says(std::initializer_list<std::pair<const char*, double>> words) {
  TokenLogprobs token;
  for (const auto& [word, probability] : words) token.top.push_back({.bytes = word, .logprob = std::log(probability)});
  return token;
}

TEST(Triage, ReadsTheProbabilityOfYesInAnyCaseAndSpacing) {
  EXPECT_NEAR(*yes_probability(says({{" Yes", 0.4}, {"yes", 0.2}, {"No", 0.2}, {"Maybe", 0.1}})), 0.75, 1e-9);
  EXPECT_NEAR(*yes_probability(says({{"no.", 0.5}})), 0, 1e-9);
  EXPECT_FALSE(yes_probability(says({{"The", 0.9}, {"yes", 0.001}})));
  EXPECT_FALSE(yes_probability({}));
}

TEST(Triage, AsksAShortQuestionHoweverLongTheTask) {
  GenerationRequest request{.id = "r1", .model = "auto"};
  request.messages = {{.role = Role::kUser, .text = "Start " + std::string(1 << 20, 'a') + " end"}};
  const GenerationRequest question = triage_question(request, {.model = "small", .boundary = 1});
  EXPECT_EQ(question.model, "small");
  EXPECT_EQ(question.max_tokens, 1);
  EXPECT_EQ(question.top_logprobs, 20);
  ASSERT_EQ(question.messages.size(), 2U);
  EXPECT_LT(question.messages[1].text.size(), 2000U);
  EXPECT_THAT(question.messages[1].text, HasSubstr("Start"));
  EXPECT_THAT(question.messages[1].text, HasSubstr("end"));
}

TEST(Triage, AFollowUpIsAskedAboutWithItsTask) {
  GenerationRequest request;
  request.messages = {{.role = Role::kUser, .text = "Prove the theorem of Bolzano."},
                      {.role = Role::kAssistant, .text = "Let f be continuous."},
                      {.role = Role::kUser, .text = "now the other one"}};
  EXPECT_THAT(triage_question(request, {.model = "small"}).messages[1].text, HasSubstr("Bolzano"));
}

class Asking : public testing::Test {
 protected:
  std::optional<double> ask() { return completed(ask_yes_no(service, {.model = "small"}, clock, 500ms)); }
  static Delta answer(TokenLogprobs token) { return {.text = "Yes", .tokens = 1, .logprobs = {std::move(token)}}; }
  ManualClock clock;
  FakeGenerations service{clock};
};

TEST_F(Asking, GivesTheAnswer) {
  service.play("small", {{Started{}}, {answer(says({{"Yes", 0.9}, {"No", 0.1}}))}, {Finished{}}});
  EXPECT_NEAR(ask().value_or(-1), 0.9, 1e-9);
  EXPECT_EQ(service.running, 0);
}

TEST_F(Asking, GivesUpAfterTheLimitAndOnFailure) {
  service.play("small", {{Started{}, false, 600ms}, {answer(says({{"Yes", 0.9}}))}});
  EXPECT_FALSE(ask());
  service.play("small", {{Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}}});
  EXPECT_FALSE(ask());
  service.refusals["small"] = {ErrorCode::kOverloaded, "busy", "", ""};
  EXPECT_FALSE(ask());
}

TEST_F(Asking, WaitsForNoLoad) {
  service.unsettled = {"small"};
  EXPECT_FALSE(ask());
  EXPECT_TRUE(service.requests.empty());
}

}  // namespace
}  // namespace pensieve
