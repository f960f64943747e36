#include "engine/checkpoints.h"

#include <gtest/gtest.h>

namespace pensieve::engine {
namespace {

constexpr std::size_t kPlenty = 1'000'000;

TEST(Checkpoints, GivesTheLastOneBeforeAPlace) {
  Checkpoints checkpoints;
  EXPECT_EQ(checkpoints.best(100), nullptr);
  checkpoints.add({10, {'a'}}, kPlenty);
  checkpoints.add({20, {'b'}}, kPlenty);
  EXPECT_EQ(checkpoints.best(9), nullptr);
  EXPECT_EQ(checkpoints.best(10)->length, 10U);
  EXPECT_EQ(checkpoints.best(19)->length, 10U);
  EXPECT_EQ(checkpoints.best(500)->state.front(), 'b');
}

TEST(Checkpoints, ForgetsWhatIsBehindACut) {
  Checkpoints checkpoints;
  checkpoints.add({10, {'a'}}, kPlenty);
  checkpoints.add({20, {'b'}}, kPlenty);
  checkpoints.cut(15);
  EXPECT_EQ(checkpoints.newest(), 10U);
  checkpoints.add({5, {'c'}}, kPlenty);
  EXPECT_EQ(checkpoints.newest(), 5U) << "the sequence went back and on";
}

TEST(Checkpoints, ThinsOutEvenlyAndKeepsTheNewest) {
  Checkpoints checkpoints;
  for (std::size_t length = 10; length <= 1000; length += 10) checkpoints.add({length, {'x'}}, kPlenty);
  EXPECT_EQ(checkpoints.size(), Checkpoints::kMost);
  EXPECT_EQ(checkpoints.newest(), 1000U);
  EXPECT_NE(checkpoints.best(700), nullptr);
}

TEST(Checkpoints, StayWithinTheirBytes) {
  Checkpoints checkpoints;
  for (std::size_t length = 10; length <= 100; length += 10) checkpoints.add({length, std::vector<char>(40)}, 100);
  EXPECT_EQ(checkpoints.size(), 2U);
  EXPECT_EQ(checkpoints.newest(), 100U);
  checkpoints.add({200, std::vector<char>(101)}, 100);
  EXPECT_EQ(checkpoints.newest(), 100U) << "too large at all";
}

TEST(Checkpoints, NoStateIsNone) {
  Checkpoints checkpoints;
  checkpoints.add({10, {}}, kPlenty);
  EXPECT_EQ(checkpoints.size(), 0U);
}

}  // namespace
}  // namespace pensieve::engine
