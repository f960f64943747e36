#include "engine/adapter_turn.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace pensieve::engine {
namespace {

using std::chrono::milliseconds;

SteadyTime at(int ms) { return SteadyTime(milliseconds(ms)); }

TEST(AdapterTurn, OneSetKeepsItsTurnWhileNoOtherWaits) {
  AdapterTurn turn;
  for (int ms = 0; ms < 500; ms += 10) {
    const AdapterCandidate only[] = {{7, at(ms)}};
    EXPECT_EQ(turn.next(only, at(ms)), 7U);
  }
}

TEST(AdapterTurn, ThreeSetsEachWaitForTwoTurnsAtMost) {
  AdapterTurn turn;
  std::map<std::uint64_t, int> stepped = {{0, 0}, {1, 0}, {2, 0}};
  int changes = 0;
  std::uint64_t last = 99;
  for (int ms = 0; ms < 3000; ms += 10) {
    std::vector<AdapterCandidate> all;
    for (const auto& [key, when] : stepped) all.push_back({key, at(when)});
    const std::uint64_t key = turn.next(all, at(ms));
    changes += key != last;
    last = key;
    stepped[key] = ms;
    for (const auto& [other, when] : stepped) EXPECT_LE(ms - when, 80) << "set " << other << " at " << ms;
  }
  EXPECT_LE(changes, 101) << "it changes more often than its turns allow";
}

TEST(AdapterTurn, ASetThatHasNothingToRunGivesItsTurnAway) {
  AdapterTurn turn;
  const AdapterCandidate both[] = {{1, at(0)}, {2, at(1)}};
  EXPECT_EQ(turn.next(both, at(5)), 1U);
  const AdapterCandidate second[] = {{2, at(1)}};
  EXPECT_EQ(turn.next(second, at(6)), 2U);
}

}  // namespace
}  // namespace pensieve::engine
