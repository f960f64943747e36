#include "manager/residency.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

using Kind = RoomPlan::Kind;

LoadedModel loaded(std::string id, int gb, bool busy, int used_at) {
  return {.id = std::move(id),
          .planned = gigabytes(gb),
          .busy = busy,
          .last_use = SteadyTime(std::chrono::seconds(used_at)),
          .likelihood = 1,
          .reload = std::chrono::seconds(1)};
}

LoadedModel with(LoadedModel model, double likelihood, int reload_s) {
  model.likelihood = likelihood;
  model.reload = std::chrono::seconds(reload_s);
  return model;
}

LoadedModel pinned(LoadedModel model) {
  model.pinned = true;
  return model;
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

TEST(Residency, EvictsWhatIsCheapestToLose) {
  const auto room = [](std::vector<LoadedModel> models) { return plan_room(gigabytes(5), gigabytes(4), models, kBudget).victims; };
  using Victims = std::vector<std::string>;
  // Of equal size: the unlikely one, then the one that loads fast, however recently it was used.
  EXPECT_EQ(room({with(loaded("likely", 4, false, 1), 5, 2), with(loaded("rare", 4, false, 2), 1, 2)}), (Victims{"rare"}));
  EXPECT_EQ(room({with(loaded("slow", 4, false, 1), 1, 9), with(loaded("fast", 4, false, 2), 1, 2)}), (Victims{"fast"}));
  // The larger one gives more for the same cost.
  EXPECT_EQ(room({with(loaded("large", 8, false, 2), 1, 3), with(loaded("tiny", 2, false, 1), 1, 3)}), (Victims{"large"}));
}

TEST(Residency, KeepsTheSmallOnesIfALargeOneHasToGoAnyway) {
  const auto plan = plan_room(gigabytes(6), gigabytes(5),
                              {with(loaded("small", 1, false, 1), 0.1, 1), with(loaded("large", 9, false, 2), 1, 9)}, kBudget);
  EXPECT_EQ(plan.victims, (std::vector<std::string>{"large"}));
}

TEST(Residency, NeverEvictsNorWaitsForPinnedModels) {
  EXPECT_EQ(plan_room(gigabytes(7), gigabytes(6), {pinned(loaded("a", 6, false, 1))}, kBudget).kind, Kind::kNever);
  EXPECT_EQ(plan_room(gigabytes(7), gigabytes(6), {pinned(loaded("a", 6, true, 1))}, kBudget).kind, Kind::kNever);
  const auto plan = plan_room(gigabytes(5), gigabytes(4), {pinned(loaded("a", 4, false, 1)), loaded("b", 4, false, 2)}, kBudget);
  EXPECT_EQ(plan.victims, (std::vector<std::string>{"b"}));
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
