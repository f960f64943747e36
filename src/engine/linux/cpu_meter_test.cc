#include "engine/cpu_meter.h"

#include <gtest/gtest.h>

namespace pensieve::engine {
namespace {

constexpr std::string_view kStat =
    "cpu  330 30 60 3000 30 9 12 15 0 0\n"
    "cpu0 100 10 20 1000 10 3 4 5 0 0\n"
    "cpu1 200 20 40 2000 20 6 8 10 0 0\n"
    "cpu12 1000 0 0 0 0 0 0 0 0 0\n"
    "intr 5 4 3\n";

double seconds(std::string_view stat, const std::vector<int>& counted, bool niced) {
  return detail::busy_time(stat, counted, niced, CpuTime(0.01)).count();
}

TEST(CpuMeter, CountsAllButIdleTimeOfTheCpusGiven) {
  EXPECT_DOUBLE_EQ(seconds(kStat, {0}, false), 1.32);
  EXPECT_DOUBLE_EQ(seconds(kStat, {0, 1}, false), 1.32 + 2.64);
  EXPECT_DOUBLE_EQ(seconds(kStat, {12}, false), 10);
}

TEST(CpuMeter, CountsProcessesOfLowerPriorityOnlyWhenAsked) { EXPECT_DOUBLE_EQ(seconds(kStat, {0}, true), 1.42); }

TEST(CpuMeter, TakesALineThatIsCutShort) {
  EXPECT_DOUBLE_EQ(seconds("cpu 1\ncpu0 100 10", {0}, false), 1);
  EXPECT_DOUBLE_EQ(seconds("", {0}, false), 0);
  EXPECT_DOUBLE_EQ(seconds("cpu0 x y", {0}, false), 0);
}

TEST(CpuMeter, ReadsThisMachine) {
  const auto first = cpu_time_of_others();
  const auto second = cpu_time_of_others();
  ASSERT_TRUE(first && second);
  EXPECT_GT(first->count(), 0);
}

}  // namespace
}  // namespace pensieve::engine
