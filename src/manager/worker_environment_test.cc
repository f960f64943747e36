#include "manager/worker_environment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace pensieve {
namespace {

TEST(WorkerEnvironment, BoundsTheWaitsOfComputingThreads) {
  EXPECT_EQ(worker_environment({"HOME=/root"}, 4000), (std::vector<std::string>{"HOME=/root", "GOMP_SPINCOUNT=4000"}));
}

TEST(WorkerEnvironment, LeavesWhatTheUserChose) {
  for (const std::string chosen : {"GOMP_SPINCOUNT=7", "OMP_WAIT_POLICY=passive"}) {
    EXPECT_EQ(worker_environment({chosen}, 4000), std::vector<std::string>{chosen});
  }
}

TEST(WorkerEnvironment, CountsMorePassesForALongerWait) {
  const std::int64_t passes = waiting_passes(std::chrono::microseconds(200));
  EXPECT_GE(passes, 100);         // no pass takes two microseconds
  EXPECT_LE(passes, 10'000'000);  // nor less than a cycle or so
  EXPECT_EQ(waiting_passes(std::chrono::nanoseconds(0)), 1);
}

TEST(WorkerEnvironment, HasTheVariablesOfThisProcess) {
  setenv("PENSIEVE_TEST_OWN", "here", 1);
  const std::vector<std::string> own = own_environment();
  EXPECT_NE(std::ranges::find(own, "PENSIEVE_TEST_OWN=here"), own.end());
}

}  // namespace
}  // namespace pensieve
