#include "manager/residency.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

using Kind = RoomPlan::Kind;

LoadedModel loaded(std::string id, int gb, bool busy, int used_at) {
  return {std::move(id), gigabytes(gb), busy, SteadyTime(std::chrono::seconds(used_at))};
}

const MemoryBudget kBudget{.limit = gigabytes(12), .margin = gigabytes(2), .available = gigabytes(13)};

TEST(Residency, LoadsBesideOthersWhileTheLimitHolds) {
  EXPECT_EQ(plan_room(gigabytes(5), gigabytes(4), {loaded("a", 6, true, 1)}, kBudget).kind, Kind::kFits);
}

TEST(Residency, EvictsTheLeastRecentlyUsedIdleModelsAndNoMoreThanNeeded) {
  const auto plan =
      plan_room(gigabytes(5), gigabytes(4), {loaded("a", 4, false, 3), loaded("b", 4, false, 1), loaded("c", 4, false, 2)}, kBudget);
  EXPECT_EQ(plan.kind, Kind::kEvict);
  EXPECT_EQ(plan.victims, (std::vector<std::string>{"b", "c"}));
}

TEST(Residency, WaitsForBusyModelsInsteadOfEvictingThem) {
  EXPECT_EQ(plan_room(gigabytes(7), gigabytes(6), {loaded("a", 6, true, 1)}, kBudget).kind, Kind::kWait);
}

TEST(Residency, SaysNeverWhenAModelDoesNotFitAlone) {
  EXPECT_EQ(plan_room(gigabytes(27), gigabytes(26), {loaded("a", 6, false, 1)}, kBudget).kind, Kind::kNever);
  const MemoryBudget tight{.limit = gigabytes(12), .margin = gigabytes(2), .available = gigabytes(2)};
  EXPECT_EQ(plan_room(gigabytes(5), gigabytes(4), {}, tight).kind, Kind::kNever);
}

}  // namespace
}  // namespace pensieve
