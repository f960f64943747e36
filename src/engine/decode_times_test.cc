#include "engine/decode_times.h"

#include <gtest/gtest.h>

namespace pensieve::engine {
namespace {

using Duration = DecodeTimes::Duration;
constexpr SteadyTime kStart{};
constexpr Duration kPromptToken{0.004};

TEST(DecodeTimes, KnowsNothingAtFirst) { EXPECT_EQ(DecodeTimes().estimate(3, kPromptToken, kStart).count(), 0); }

TEST(DecodeTimes, TakesTheMedianSoThatOneLateStepCountsForNothing) {
  DecodeTimes times;
  for (const double took : {0.010, 0.011, 0.200, 0.012}) times.record(1, Duration(took), kStart);
  EXPECT_DOUBLE_EQ(times.estimate(1, kPromptToken, kStart).count(), 0.011);
}

TEST(DecodeTimes, ExpectsBeyondWhatItKnowsTheLeastThatATokenCanCost) {
  DecodeTimes times;
  times.record(1, Duration(0.010), kStart);
  EXPECT_DOUBLE_EQ(times.estimate(5, kPromptToken, kStart).count(), 0.026);
  EXPECT_DOUBLE_EQ(times.estimate(5, Duration(0), kStart).count(), 0.030) << "without a prompt to go by";
  times.record(3, Duration(0.030), kStart);
  EXPECT_DOUBLE_EQ(times.estimate(5, kPromptToken, kStart).count(), 0.038);
}

TEST(DecodeTimes, TakesTheMiddleBetweenNeighbours) {
  DecodeTimes times;
  times.record(1, Duration(0.010), kStart);
  times.record(9, Duration(0.050), kStart);
  EXPECT_DOUBLE_EQ(times.estimate(3, kPromptToken, kStart).count(), 0.020);
}

TEST(DecodeTimes, ForgetsWhatIsOld) {
  DecodeTimes times;
  times.record(8, Duration(0.500), kStart);
  const SteadyTime later = kStart + DecodeTimes::kFresh + std::chrono::seconds(1);
  times.record(1, Duration(0.010), later);
  EXPECT_DOUBLE_EQ(times.estimate(8, kPromptToken, later).count(), 0.038);
}

TEST(DecodeTimes, LeavesOutLargeSteps) {
  DecodeTimes times;
  times.record(100'000, Duration(1), kStart);
  EXPECT_EQ(times.estimate(1, kPromptToken, kStart).count(), 0);
}

}  // namespace
}  // namespace pensieve::engine
