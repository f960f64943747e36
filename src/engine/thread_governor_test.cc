#include "engine/thread_governor.h"

#include <gtest/gtest.h>

namespace pensieve::engine {
namespace {

using namespace std::chrono_literals;

class ThreadGovernorTest : public testing::Test {
 protected:
  // Others keep `cores` busy for `windows` quarters of a second.
  void others_take(double cores, int windows = 1) {
    for (int i = 0; i < windows; ++i) {
      clock.advance(250ms);
      others += CpuTime(0.25 * cores);
      governor.record(clock.steady_now(), others);
    }
  }

  ManualClock clock;
  CpuTime others{1000};
  ThreadGovernor governor{4, 4};
};

TEST_F(ThreadGovernorTest, TakesAllCoresOfAFreeMachine) {
  EXPECT_EQ(governor.threads(), 4);
  others_take(0.02, 100);
  EXPECT_EQ(governor.threads(), 4);
}

TEST_F(ThreadGovernorTest, LeavesBusyCoresToOthersAtOnce) {
  others_take(0);
  others_take(0.67);
  EXPECT_EQ(governor.threads(), 3);
  others_take(2.9);
  EXPECT_EQ(governor.threads(), 1);
}

TEST_F(ThreadGovernorTest, AlwaysKeepsOneThread) {
  others_take(0);
  others_take(9);
  EXPECT_EQ(governor.threads(), 1);
}

TEST_F(ThreadGovernorTest, TakesCoresBackWhenTheyStayFree) {
  others_take(0);
  others_take(3);
  others_take(0, 2);
  EXPECT_EQ(governor.threads(), 1) << "a short gap is no free core";
  others_take(3);
  others_take(0, 2);
  EXPECT_EQ(governor.threads(), 1);
  others_take(1);
  EXPECT_EQ(governor.threads(), 3) << "as many as were free all the time";
}

TEST_F(ThreadGovernorTest, StaysWhereItIsBesideASteadyNeighbour) {
  others_take(0);
  others_take(0.67);  // four threads and the neighbour share four cores
  others_take(1.0, 100);
  EXPECT_EQ(governor.threads(), 3);
}

TEST_F(ThreadGovernorTest, ForgetsWhatWasBeforeAPause) {
  others_take(0);
  clock.advance(1h);
  others += CpuTime(4 * 3600.0);
  governor.restart();
  governor.record(clock.steady_now(), others);
  EXPECT_EQ(governor.threads(), 4);
  others_take(2);
  EXPECT_EQ(governor.threads(), 2);
}

TEST_F(ThreadGovernorTest, TakesFreeCoresSoonAfterAPause) {
  others_take(0);
  others_take(3);
  governor.restart();
  others_take(0, 2);
  EXPECT_EQ(governor.threads(), 4);
}

TEST_F(ThreadGovernorTest, IgnoresReadingsThatFollowClosely) {
  others_take(0);
  clock.advance(10ms);
  EXPECT_FALSE(governor.due(clock.steady_now()));
  governor.record(clock.steady_now(), others + CpuTime(100));
  EXPECT_EQ(governor.threads(), 4);
}

TEST_F(ThreadGovernorTest, FewerThreadsThanCoresLeaveRoomForNeighbours) {
  ThreadGovernor few{2, 4};  // a container's quota
  few.record(clock.steady_now(), others);
  clock.advance(1s);
  few.record(clock.steady_now(), others + CpuTime(2));
  EXPECT_EQ(few.threads(), 2);
  clock.advance(1s);
  few.record(clock.steady_now(), others + CpuTime(5));
  EXPECT_EQ(few.threads(), 1);
}

}  // namespace
}  // namespace pensieve::engine
