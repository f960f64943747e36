#include "manager/residency.h"

#include <algorithm>

namespace pensieve {
namespace {

void occupy(memory::MachineState& machine, const LoadedModel& model) {
  machine.ours += model.planned;
  machine.available -= model.mapped;
}

void leave(memory::MachineState& machine, const LoadedModel& model) {
  machine.ours -= model.planned;
  machine.available += model.planned;
}

// Reloading costs its time; the longer a model was idle, the less likely it is wanted soon.
double cost_of(const LoadedModel& model, SteadyTime now) {
  const double idle = std::chrono::duration<double>(now - model.last_use).count();
  return static_cast<double>(model.load_time.count()) / (1 + std::max(idle, 0.0));
}

std::vector<LoadedModel> idle_models(const std::vector<LoadedModel>& loaded, SteadyTime now) {
  std::vector<LoadedModel> idle;
  std::ranges::copy_if(loaded, std::back_inserter(idle), [](const LoadedModel& m) { return !m.busy; });
  std::ranges::sort(idle, {}, [now](const LoadedModel& m) { return std::pair(cost_of(m, now), m.last_use); });
  return idle;
}

// The fewest that must leave for `memory`, by the order of `idle`; empty with `fits` false if all of
// them would not be enough.
std::vector<std::string> victims_among(const std::vector<LoadedModel>& idle, const memory::ModelMemory& memory,
                                       memory::MachineState machine, bool& fits) {
  std::vector<LoadedModel> gone;
  for (const LoadedModel& model : idle) {
    if (memory::can_load(memory, machine).fits) break;
    leave(machine, model);
    gone.push_back(model);
  }
  fits = memory::can_load(memory, machine).fits;
  std::vector<std::string> victims;
  for (const LoadedModel& model : gone) {
    // What went before a larger one may not have been needed.
    memory::MachineState kept = machine;
    kept.ours += model.planned;
    kept.available -= model.planned;
    if (fits && memory::can_load(memory, kept).fits) {
      machine = kept;
    } else {
      victims.push_back(model.id);
    }
  }
  return victims;
}

}  // namespace

RoomPlan plan_room(const PlanFunction& plan_in, const std::vector<LoadedModel>& loaded, const memory::MachineState& machine,
                   SteadyTime now) {
  memory::MachineState full = machine;
  for (const LoadedModel& model : loaded) occupy(full, model);
  memory::MachineState empty = full;
  for (const LoadedModel& model : loaded) leave(empty, model);
  const std::vector<LoadedModel> idle = idle_models(loaded, now);
  const bool others_busy = idle.size() < loaded.size();
  RoomPlan room{.plan = plan_in(empty)};
  if (room.plan.verdict == memory::Verdict::kDoesNotFit) {
    // With busy models gone there may be more than can be known now; the limit stays.
    memory::MachineState best = empty;
    best.available = best.total;
    const bool ever = others_busy && plan_in(best).verdict != memory::Verdict::kDoesNotFit;
    room.kind = ever ? RoomPlan::Kind::kWait : RoomPlan::Kind::kNever;
    return room;
  }
  bool fits = false;
  room.victims = victims_among(idle, room.plan.memory, full, fits);
  if (!fits) {
    room.victims.clear();
    room.kind = others_busy ? RoomPlan::Kind::kWait : RoomPlan::Kind::kNever;
    return room;
  }
  room.kind = room.victims.empty() ? RoomPlan::Kind::kFits : RoomPlan::Kind::kEvict;
  return room;
}

}  // namespace pensieve
