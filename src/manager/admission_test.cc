#include "manager/admission.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

using enum monitor::Level;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Admission, ATighterMachineTakesFewerRequestsAndBatchOnesFirstNoMore) {
  const auto bounds = [](monitor::Level level) {
    const AdmissionBounds b = admission_bounds(level, 8, 64);
    return std::pair(b.interactive, b.batch);
  };
  EXPECT_EQ(bounds(kNormal), std::pair(72L, 40L));
  EXPECT_EQ(bounds(kThrottle), std::pair(40L, 24L));
  EXPECT_EQ(bounds(kShrink), std::pair(40L, 24L));
  EXPECT_EQ(bounds(kDowngrade), std::pair(24L, 16L));
  EXPECT_EQ(bounds(kCritical), std::pair(0L, 0L));
  EXPECT_EQ(admission_bounds(kNormal, 1, 0).interactive, 1) << "without a queue one at a time";
}

TEST(Admission, RetryAfterIsTheTimeUntilAPlaceIsFree) {
  EXPECT_EQ(retry_after(72, 72, 8, milliseconds(4000)), seconds(4));
  EXPECT_EQ(retry_after(80, 72, 8, milliseconds(4000)), seconds(8)) << "nine have to end, eight do at once";
  EXPECT_EQ(retry_after(72, 72, 1, milliseconds(200)), seconds(1));
  EXPECT_EQ(retry_after(1'000'000, 1, 1, milliseconds(60'000)), seconds(600));
}

}  // namespace
}  // namespace pensieve
