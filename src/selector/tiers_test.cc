#include "selector/tiers.h"

#include <gtest/gtest.h>

#include "selector/fake_fleet.h"

namespace pensieve::selector {
namespace {

// A reasoning task whose class is as good as open between medium and complex. All four models are in
// memory; on the complex side Mixtral is worth its time, on the other it is not.
class Tiers : public testing::Test {
 protected:
  Tiers() {
    set_logits({2, 0.1});
    EXPECT_NE(chosen_at(1), chosen_at(-1)) << "the sides of the boundary must differ for these tests";
  }
  void set_logits(std::array<double, 2> logits) {
    task.class_logits = logits;
    task.task_class = class_of(logits);
    task.difficulty = difficulty_of(logits);
  }
  std::string chosen_at(double logit) {
    Assessment side = task;
    side.class_logits[1] = logit;
    side.difficulty = difficulty_of(side.class_logits);
    return decide(side, requirement, fleet, {}).model();
  }
  [[nodiscard]] Decision decision() const { return decide(task, requirement, fleet, {}); }
  [[nodiscard]] std::optional<TriagePlan> triage() const { return plan_triage(decision(), fleet, {}, tiers); }
  [[nodiscard]] std::optional<CascadePlan> cascade(double kept = 0.5) const { return plan_cascade(decision(), fleet, tiers, kept); }

  FleetSnapshot fleet = four_models_that_fit();
  Assessment task = fake_task(TaskClass::kComplex, Domain::kReasoning, 200);
  Requirement requirement{Quality::kHigh, Performance::kMedium};
  TierPolicy tiers{.triage = TierMode::kOn, .cascade = TierMode::kOn};
};

TEST_F(Tiers, TheFastestModelInMemoryIsAskedWhereItsAnswerChangesTheChoice) {
  const auto plan = triage();
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->model, fleet.models[kPhi].id);
  EXPECT_EQ(plan->boundary, 1U);
  EXPECT_EQ(plan->if_harder.task_class, TaskClass::kComplex);
  EXPECT_EQ(plan->if_easier.task_class, TaskClass::kMedium);
  EXPECT_GT(plan->expected_cost.count(), 0);
}

TEST_F(Tiers, NothingIsAskedWhereTheClassIsClear) {
  set_logits({3, 1.5});
  EXPECT_FALSE(triage());
}

TEST_F(Tiers, NothingIsAskedWhereBothSidesChooseTheSame) {
  fleet.models[kMixtral].memory = MemoryVerdict::kDoesNotFit;
  requirement = {Quality::kHigh, Performance::kMedium};
  task.domain = Domain::kCode;
  EXPECT_FALSE(triage());
}

TEST_F(Tiers, NothingIsLoadedToBeAsked) {
  for (FleetModel& model : fleet.models) model.place = ModelPlace::kUnloaded;
  EXPECT_FALSE(triage());
}

TEST_F(Tiers, AQuestionMayNotTakeLong) {
  for (FleetModel& model : fleet.models) model.queue_time = std::chrono::seconds(3);
  EXPECT_FALSE(triage());
}

TEST_F(Tiers, AutoAsksOnlyWhatCostsLittleOfTheAnswer) {
  tiers.triage = TierMode::kAuto;
  EXPECT_TRUE(triage());
  task.needs.answer_tokens = 1;
  for (FleetModel& model : fleet.models) model.prefill = {400};
  EXPECT_FALSE(triage());
}

TEST_F(Tiers, OffAsksNothing) {
  tiers = {};
  EXPECT_FALSE(triage());
  EXPECT_FALSE(cascade());
}

// Mistral has to be loaded; Phi-3 is in memory and fast.
class Cascade : public Tiers {
 protected:
  Cascade() {
    requirement = {Quality::kHigh, Performance::kMedium};
    task = fake_task(TaskClass::kMedium, Domain::kReasoning, 200);
    fleet.models[kMistral].place = ModelPlace::kUnloaded;
    fleet.models[kMistral].load_time = std::chrono::seconds(5);
    for (const std::size_t other : {kDeepSeek, kMixtral}) fleet.models[other].memory = MemoryVerdict::kDoesNotFit;
    fleet.models[kPhi].abilities[static_cast<std::size_t>(Domain::kReasoning)] = 0.3;
    EXPECT_EQ(decision().model(), fleet.models[kMistral].id);
  }
};

TEST_F(Cascade, AModelInMemoryAnswersFirstWhereTheChosenOneTakesLonger) {
  const auto plan = cascade();
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->small, fleet.models[kPhi].id);
  EXPECT_EQ(plan->large, fleet.models[kMistral].id);
  EXPECT_LT(plan->expected_cost, plan->expected_saving);
}

TEST_F(Cascade, AutoTriesOnlyWhileEnoughAnswersAreKept) {
  tiers.cascade = TierMode::kAuto;
  EXPECT_TRUE(cascade(0.5));
  EXPECT_FALSE(cascade(0.001));
}

TEST_F(Cascade, TheHighestQualityIsNotTriedWithLess) {
  requirement.quality = Quality::kMaximum;
  EXPECT_FALSE(cascade());
}

TEST_F(Cascade, NothingIsTriedThatSavesNoTime) {
  fleet.models[kPhi].decode = {5};
  EXPECT_FALSE(cascade());
}

TEST_F(Cascade, NothingIsLoadedForATry) {
  fleet.models[kPhi].place = ModelPlace::kUnloaded;
  EXPECT_FALSE(cascade());
}

}  // namespace
}  // namespace pensieve::selector
