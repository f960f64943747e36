#include "engine/draft_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace pensieve::engine {
namespace {

using testing::ElementsAre;
using Duration = StepCost::Duration;

std::vector<double> sure(std::size_t count, double each = 0.99) {
  std::vector<double> chances;
  for (std::size_t i = 1; i <= count; ++i) chances.push_back(std::pow(each, i));
  return chances;
}

// 10 ms, and so much for each token after the first.
StepTime costing(double further) {
  return [further](std::size_t tokens) { return Duration(0.010 + further * static_cast<double>(tokens - 1)); };
}

std::vector<std::size_t> plan(std::vector<std::vector<double>> chances, const StepTime& time, std::size_t most = 32) {
  return plan_drafts(chances, most, time);
}

TEST(DraftPlan, TriesAllSureGuessesWhereFurtherTokensCostLittle) { EXPECT_THAT(plan({sure(15)}, costing(0.0005)), ElementsAre(15)); }

TEST(DraftPlan, TriesNothingWhereTokensCostTheSameInABatch) { EXPECT_THAT(plan({sure(15)}, costing(0.010)), ElementsAre(0)); }

TEST(DraftPlan, TriesNothingForAGainWithinTheNoise) {
  EXPECT_THAT(plan({{0.5}}, costing(0.0048)), ElementsAre(0));
  EXPECT_THAT(plan({{0.5}}, costing(0.0030)), ElementsAre(1));
}

TEST(DraftPlan, StopsWhereTheChanceIsNotWorthTheTime) {
  const auto lengths = plan({sure(15, 0.7)}, costing(0.004));
  EXPECT_GE(lengths[0], 1U);
  EXPECT_LE(lengths[0], 3U);
}

TEST(DraftPlan, TriesNothingBeforeAStepWasMeasured) {
  EXPECT_THAT(plan({sure(15)}, [](std::size_t) { return Duration(0); }), ElementsAre(0));
}

TEST(DraftPlan, SlowsNoOtherStreamByMoreThanATenth) {
  EXPECT_THAT(plan({sure(15), {}}, costing(0.003)), ElementsAre(0, 0));
  const auto lengths = plan({sure(15), {}}, costing(0.0002));
  EXPECT_GE(lengths[0], 4U);
  EXPECT_LE(costing(0.0002)(2 + lengths[0]) / costing(0.0002)(2), 1.0 / 0.9 + 1e-9);
  EXPECT_EQ(lengths[1], 0U);
}

TEST(DraftPlan, SharesTheBatchByChance) {
  const auto lengths = plan({sure(15, 0.6), sure(15), sure(15)}, costing(0.0001), 20);
  EXPECT_LT(lengths[0], lengths[1]);
  EXPECT_LE(lengths[0] + lengths[1] + lengths[2], 17U);
  EXPECT_LE(std::max(lengths[1], lengths[2]) - std::min(lengths[1], lengths[2]), 1U);
}

TEST(DraftPlan, KeepsAStepShort) {
  const StepTime slow = [](std::size_t tokens) { return Duration(0.1 + 0.05 * static_cast<double>(tokens - 1)); };
  EXPECT_LE(slow(1 + plan({sure(15, 0.999)}, slow)[0]).count(), 0.4);
}

TEST(DraftPlan, IsNeverExpectedToBeSlowerThanNoGuess) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> unit(0, 1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<double>> chances(1 + random() % 5);
    for (auto& stream : chances) stream = sure(random() % 16, unit(random));
    std::vector<double> times{0, 0.01};
    while (times.size() < 40) times.push_back(times.back() + 0.01 * unit(random));
    const auto lengths = plan(chances, [&](std::size_t tokens) { return Duration(times[tokens]); });
    std::size_t tokens = chances.size();
    double expected = static_cast<double>(chances.size());
    for (std::size_t i = 0; i < chances.size(); ++i) {
      ASSERT_LE(lengths[i], chances[i].size());
      tokens += lengths[i];
      for (std::size_t j = 0; j < lengths[i]; ++j) expected += chances[i][j];
    }
    ASSERT_LE(tokens, 32U);
    ASSERT_GE(expected / times[tokens], static_cast<double>(chances.size()) / times[chances.size()] - 1e-9);
  }
}

}  // namespace
}  // namespace pensieve::engine
