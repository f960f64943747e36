#include "manager/residency.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

using Kind = RoomPlan::Kind;
using std::chrono::seconds;

LoadedModel loaded(std::string id, int gb, bool busy, int used_at) {
  return {.id = std::move(id),
          .planned = gigabytes(gb),
          .busy = busy,
          .last_use = SteadyTime(seconds(used_at)),
          .mapped = gigabytes(gb),
          .likelihood = 1,
          .load_time = seconds(1)};
}

LoadedModel with(LoadedModel model, double likelihood, int load_s) {
  model.likelihood = likelihood;
  model.load_time = seconds(load_s);
  return model;
}

LoadedModel pinned(LoadedModel model) {
  model.pinned = true;
  return model;
}

const memory::MachineState kMachine{.total = gigabytes(16), .available = gigabytes(13), .limit = gigabytes(12), .margin = gigabytes(2)};

// A model of that size whatever the machine.
PlanFunction model_of(int gb) {
  return [gb](const memory::MachineState& machine) {
    memory::Plan plan;
    plan.memory.weights = gigabytes(gb);
    plan.check = memory::can_load(plan.memory, machine);
    if (plan.check.fits) plan.verdict = memory::Verdict::kFits;
    return plan;
  };
}

RoomPlan room_for(int gb, const std::vector<LoadedModel>& models, const memory::MachineState& machine = kMachine) {
  return plan_room(model_of(gb), models, machine);
}

TEST(Residency, LoadsBesideOthersWhileTheLimitHolds) { EXPECT_EQ(room_for(5, {loaded("a", 6, true, 1)}).kind, Kind::kFits); }

TEST(Residency, EvictsTheLeastRecentlyUsedIdleModelsAndNoMoreThanNeeded) {
  const auto room = room_for(5, {loaded("a", 4, false, 3), loaded("b", 4, false, 1), loaded("c", 4, false, 2)});
  EXPECT_EQ(room.kind, Kind::kEvict);
  EXPECT_EQ(room.victims, (std::vector<std::string>{"b", "c"}));
}

TEST(Residency, EvictsWhatIsCheapestToBringBackAndSparesWhatAnotherMakesUnnecessary) {
  std::vector<LoadedModel> models = {loaded("small", 1, false, 10), loaded("slow", 5, false, 10), loaded("quick", 5, false, 10)};
  models[0].load_time = seconds(1);
  models[1].load_time = seconds(60);
  models[2].load_time = seconds(5);
  const auto room = room_for(5, models);
  EXPECT_EQ(room.kind, Kind::kEvict);
  EXPECT_EQ(room.victims, (std::vector<std::string>{"quick"}));
}

TEST(Residency, EvictsWhatIsCheapestToLose) {
  using Victims = std::vector<std::string>;
  // Of equal size: the unlikely one, then the one that loads fast, however recently it was used.
  EXPECT_EQ(room_for(5, {with(loaded("likely", 4, false, 1), 5, 2), with(loaded("rare", 4, false, 2), 1, 2)}).victims, (Victims{"rare"}));
  EXPECT_EQ(room_for(5, {with(loaded("slow", 4, false, 1), 1, 9), with(loaded("fast", 4, false, 2), 1, 2)}).victims, (Victims{"fast"}));
  // The larger one gives more for the same cost.
  EXPECT_EQ(room_for(5, {with(loaded("large", 8, false, 2), 1, 3), with(loaded("tiny", 2, false, 1), 1, 3)}).victims, (Victims{"large"}));
}

TEST(Residency, KeepsTheSmallOnesIfALargeOneHasToGoAnyway) {
  const auto room = room_for(6, {with(loaded("small", 1, false, 1), 0.1, 1), with(loaded("large", 9, false, 2), 1, 9)});
  EXPECT_EQ(room.kind, Kind::kEvict);
  EXPECT_EQ(room.victims, (std::vector<std::string>{"large"}));
}

TEST(Residency, OfThoseThatNeedNotGoKeepsTheDearest) {
  const auto room = room_for(
      8, {with(loaded("cheap", 2, false, 1), 0.1, 1), with(loaded("dear", 2, false, 2), 0.5, 1), with(loaded("large", 5, false, 3), 1, 9)});
  EXPECT_EQ(room.victims, (std::vector<std::string>{"cheap", "large"}));
}

TEST(Residency, NeverEvictsNorWaitsForPinnedModels) {
  EXPECT_EQ(room_for(7, {pinned(loaded("a", 6, false, 1))}).kind, Kind::kNever);
  EXPECT_EQ(room_for(7, {pinned(loaded("a", 6, true, 1))}).kind, Kind::kNever);
  EXPECT_EQ(room_for(5, {pinned(loaded("a", 4, false, 1)), loaded("b", 4, false, 2)}).victims, (std::vector<std::string>{"b"}));
  // What another one that is busy gives back must be enough, too.
  EXPECT_EQ(room_for(7, {pinned(loaded("a", 6, false, 1)), loaded("b", 4, true, 2)}).kind, Kind::kNever);
  EXPECT_EQ(room_for(6, {pinned(loaded("a", 6, false, 1)), loaded("b", 4, true, 2)}).kind, Kind::kWait);
}

TEST(Residency, PlansAModelInWhatPinnedModelsLeave) {
  const PlanFunction whatever_fits = [](const memory::MachineState& machine) {
    return memory::Plan{.verdict = memory::Verdict::kFits, .memory = {.weights = machine.limit - machine.ours}};
  };
  const auto left_by = [&](const LoadedModel& model) { return plan_room(whatever_fits, {model}, kMachine).plan.memory.weights; };
  EXPECT_EQ(left_by(loaded("a", 5, false, 1)), gigabytes(12));
  EXPECT_EQ(left_by(pinned(loaded("a", 5, false, 1))), gigabytes(7));
}

TEST(Residency, WaitsForBusyModelsInsteadOfEvictingThem) { EXPECT_EQ(room_for(7, {loaded("a", 6, true, 1)}).kind, Kind::kWait); }

TEST(Residency, SaysNeverWhenAModelDoesNotFitAlone) {
  EXPECT_EQ(room_for(26, {loaded("a", 6, false, 1)}).kind, Kind::kNever);
  memory::MachineState tight = kMachine;
  tight.available = gigabytes(2);
  EXPECT_EQ(room_for(5, {}, tight).kind, Kind::kNever);
}

TEST(Residency, WeightsThatLoadedModelsMapAreNotTakenForFreeMemory) {
  memory::MachineState machine = kMachine;
  machine.limit = gigabytes(16);
  // 13 GB read as available, but 6 of them hold a loaded model's weights.
  EXPECT_EQ(room_for(5, {loaded("a", 6, true, 1)}, machine).kind, Kind::kFits);
  EXPECT_EQ(room_for(6, {loaded("a", 6, true, 1)}, machine).kind, Kind::kWait);
  EXPECT_EQ(room_for(6, {loaded("a", 6, false, 1)}, machine).kind, Kind::kEvict);
}

}  // namespace
}  // namespace pensieve
