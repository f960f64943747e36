#include "selector/machine_bound.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "selector/fake_fleet.h"

namespace pensieve::selector {
namespace {

TEST(MachineBound, ASmallerModelAnswersAndTheDecisionSaysWhy) {
  const FleetSnapshot fleet = four_models_that_fit();
  const Assessment task = fake_task(TaskClass::kMedium, Domain::kCode);
  const Requirement requirement{Quality::kHigh, Performance::kHigh};
  ASSERT_EQ(decide_on_machine({}, task, requirement, fleet, {}).model(), fleet.models[kDeepSeek].id);
  Objections objections;
  for (const std::size_t large : {kDeepSeek, kMistral, kMixtral}) objections[fleet.models[large].id] = "memory 91 % used";
  const Decision decision = decide_on_machine(objections, task, requirement, fleet, {});
  EXPECT_EQ(decision.model(), fleet.models[kPhi].id);
  EXPECT_TRUE(decision.degraded);
  EXPECT_THAT(decision.reason, testing::HasSubstr("memory 91 % used"));
}

TEST(MachineBound, WhatNobodyWouldHaveChosenChangesNothing) {
  const FleetSnapshot fleet = four_models_that_fit();
  const Decision decision = decide_on_machine({{fleet.models[kMixtral].id, "too large"}}, fake_task(TaskClass::kMedium, Domain::kCode),
                                              {Quality::kHigh, Performance::kHigh}, fleet, {});
  EXPECT_EQ(decision.model(), fleet.models[kDeepSeek].id);
  EXPECT_FALSE(decision.degraded);
}

TEST(MachineBound, ASlowAnswerIsBetterThanNone) {
  FleetSnapshot fleet = four_models_that_fit();
  for (FleetModel& model : fleet.models) model.context_tokens = 4096;
  fleet.models[kMixtral].context_tokens = 32768;
  const Decision decision =
      decide_on_machine({{fleet.models[kMixtral].id, "hot"}}, fake_task(TaskClass::kMedium, Domain::kCode, 20'000), {}, fleet, {});
  EXPECT_EQ(decision.model(), fleet.models[kMixtral].id);
}

TEST(MachineBound, WhereSomethingIsSaidAgainstAllTheSmallestAnswers) {
  const FleetSnapshot fleet = four_models_that_fit();
  Objections objections;
  for (const FleetModel& model : fleet.models) objections[model.id] = "memory 92 % used";
  const Decision decision =
      decide_on_machine(objections, fake_task(TaskClass::kMedium, Domain::kCode), {Quality::kHigh, Performance::kHigh}, fleet, {});
  EXPECT_EQ(decision.model(), fleet.models[kPhi].id);
  EXPECT_TRUE(decision.degraded);
}

}  // namespace
}  // namespace pensieve::selector
