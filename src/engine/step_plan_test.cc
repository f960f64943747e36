#include "engine/step_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pensieve::engine {
namespace {

using testing::ElementsAre;
using Duration = StepCost::Duration;

// Decode steps of 20 ms; 2 ms a prefill token, alone or not.
StepCost measured() {
  StepCost cost;
  cost.record(0, 100, Duration(0.2));
  for (std::size_t n = 1; n <= 8; ++n) cost.record(n, 0, Duration(0.02));
  cost.record(2, 10, Duration(0.04));
  return cost;
}

TEST(StepCost, FitsPrefillBesideDecodingStreamsIntoTheTarget) {
  // 50 ms less 20 ms of decoding, at 2 ms a token.
  EXPECT_NEAR(static_cast<double>(measured().prefill_budget(2, 512)), 15, 1);
}

TEST(StepCost, StretchesTheTargetWhereAPlainStepIsSlow) {
  StepCost cost;
  cost.record(0, 100, Duration(1.0));
  cost.record(1, 0, Duration(0.4));
  // Half of 400 ms more, at 10 ms a token.
  EXPECT_NEAR(static_cast<double>(cost.prefill_budget(1, 512)), 20, 1);
}

TEST(StepCost, AlwaysMovesAPromptABit) {
  StepCost cost;
  cost.record(0, 100, Duration(20));
  cost.record(1, 0, Duration(0.045));
  EXPECT_EQ(cost.prefill_budget(1, 512), 8U);
}

TEST(StepCost, ReadsAboutASecondsWorthWithoutDecodingStreams) {
  EXPECT_NEAR(static_cast<double>(measured().prefill_budget(0, 4096)), 500, 1);
  StepCost slow;
  slow.record(0, 100, Duration(5));
  EXPECT_EQ(slow.prefill_budget(0, 512), 128U);
}

TEST(StepCost, NeverFillsMoreThanTheBatch) {
  EXPECT_EQ(measured().prefill_budget(0, 64), 64U);
  EXPECT_EQ(StepCost().prefill_budget(60, 64), 4U);
}

TEST(StepCost, FollowsAMachineThatBecomesSlower) {
  StepCost cost = measured();
  const std::size_t before = cost.prefill_budget(0, 4096);
  for (int i = 0; i < 30; ++i) cost.record(0, 100, Duration(0.8));
  EXPECT_NEAR(static_cast<double>(before) / static_cast<double>(cost.prefill_budget(0, 4096)), 4.0, 0.1);
}

TEST(StepPlan, DecodesAllBeforeAnyPrompt) {
  const StepCandidate candidates[] = {{500, {}}, {1, {}}, {1, {}}};
  const auto shares = plan_step(candidates, measured(), 512);
  EXPECT_EQ(shares[1], 1U);
  EXPECT_EQ(shares[2], 1U);
  EXPECT_GT(shares[0], 1U);
  EXPECT_LT(shares[0], 20U);
}

TEST(StepPlan, ReadsTheShortestPromptFirstAndFillsUpWithTheNext) {
  const StepCandidate candidates[] = {{500, {}}, {30, {}}, {50, {}}};
  EXPECT_THAT(plan_step(candidates, measured(), 100), ElementsAre(20, 30, 50));
}

TEST(StepPlan, LetsALongWaitOutweighALongerPrompt) {
  const StepCandidate candidates[] = {{500, Duration(10)}, {100, {}}};
  EXPECT_THAT(plan_step(candidates, measured(), 100), ElementsAre(100, 0));
}

TEST(StepPlan, LeavesOutDecodingSequencesThatTheBatchHasNoRoomFor) {
  const StepCandidate candidates[] = {{1, {}}, {1, {}}, {1, {}}};
  EXPECT_THAT(plan_step(candidates, measured(), 2), ElementsAre(1, 1, 0));
}

}  // namespace
}  // namespace pensieve::engine
