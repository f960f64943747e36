#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pensieve {
namespace {

TEST(Process, KnowsItselfByPidAndStartTime) {
  const ProcessIdentity self = this_process();
  EXPECT_EQ(self.pid, getpid());
  EXPECT_TRUE(is_running(self));
  EXPECT_GT(resident_memory(self.pid), Bytes{100'000});
}

TEST(Process, TakesAnotherProcessOfTheSamePidForGone) {
  ProcessIdentity other = this_process();
  other.start_time += 1;
  EXPECT_FALSE(is_running(other));
}

TEST(Process, ZombiesAndUnknownPidsAreGone) {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(identify_process(child));
  waitpid(child, nullptr, 0);
  EXPECT_FALSE(identify_process(child));
}

}  // namespace
}  // namespace pensieve
