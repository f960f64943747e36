#include "manager/backoff.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

using std::chrono::seconds;

TEST(Backoff, DoublesWithEachFailureUpToItsBoundAndStartsAnewAfterASuccess) {
  const SteadyTime now{};
  Backoff backoff(seconds(10), seconds(60));
  EXPECT_FALSE(backoff.waits(now));
  for (const int expected : {10, 20, 40, 60, 60}) {
    backoff.failed(now);
    EXPECT_EQ(backoff.left(now), seconds(expected));
    EXPECT_TRUE(backoff.waits(now + seconds(expected - 1)));
    EXPECT_FALSE(backoff.waits(now + seconds(expected)));
  }
  backoff.succeeded();
  EXPECT_FALSE(backoff.waits(now));
  backoff.failed(now);
  EXPECT_EQ(backoff.left(now), seconds(10));
}

TEST(Backoff, TheFirstStumbleCostsNoWaitTheSecondDoes) {
  const SteadyTime now{};
  Backoff backoff(seconds(10));
  backoff.stumbled(now);
  EXPECT_FALSE(backoff.waits(now));
  backoff.stumbled(now);
  EXPECT_EQ(backoff.left(now), seconds(10));
}

TEST(Backoff, StaysAtItsBoundHoweverOftenItFailed) {
  Backoff backoff(seconds(10), seconds(600));
  for (int i = 0; i < 200; ++i) backoff.failed(SteadyTime{});
  EXPECT_EQ(backoff.left(SteadyTime{}), seconds(600));
}

}  // namespace
}  // namespace pensieve
