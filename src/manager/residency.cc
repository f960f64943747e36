#include "manager/residency.h"

#include <algorithm>
#include <iterator>
#include <utility>

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

double cost_of_losing(const LoadedModel& model) {
  const auto load_ms = static_cast<double>(std::max<std::int64_t>(1, model.load_time.count()));
  return load_ms * model.likelihood / static_cast<double>(std::max<std::int64_t>(1, model.planned.value));
}

// The models that may go, the cheapest first; of equals the one that was not used for longest.
std::vector<LoadedModel> idle_by_cost(const std::vector<LoadedModel>& loaded) {
  std::vector<LoadedModel> idle;
  std::ranges::copy_if(loaded, std::back_inserter(idle), [](const LoadedModel& model) { return !model.busy && !model.pinned; });
  std::ranges::sort(idle, {}, [](const LoadedModel& model) { return std::pair(cost_of_losing(model), model.last_use); });
  return idle;
}

// The cheapest that must leave for `memory`, by the order of `idle`; empty with `fits` false if all of
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
  if (!fits) return {};
  // The last ones may be so large that the first ones need not go.
  for (std::size_t i = gone.size(); i-- > 0;) {
    memory::MachineState kept = machine;
    kept.ours += gone[i].planned;
    kept.available -= gone[i].planned;
    if (!memory::can_load(memory, kept).fits) continue;
    machine = kept;
    gone.erase(gone.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::vector<std::string> victims;
  for (const LoadedModel& model : gone) victims.push_back(model.id);
  return victims;
}

}  // namespace

RoomPlan plan_room(const PlanFunction& plan_in, const std::vector<LoadedModel>& loaded, const memory::MachineState& machine) {
  memory::MachineState full = machine;
  for (const LoadedModel& model : loaded) occupy(full, model);
  memory::MachineState empty = full;
  bool others_busy = false;
  for (const LoadedModel& model : loaded) {
    if (model.pinned) continue;
    leave(empty, model);
    others_busy = others_busy || model.busy;
  }
  RoomPlan room{.plan = plan_in(empty)};
  if (room.plan.verdict == memory::Verdict::kDoesNotFit) {
    // With busy models gone there may be more than can be known now; the limit stays.
    memory::MachineState best = empty;
    best.available = best.total - best.ours;
    const bool ever = others_busy && plan_in(best).verdict != memory::Verdict::kDoesNotFit;
    room.kind = ever ? RoomPlan::Kind::kWait : RoomPlan::Kind::kNever;
    return room;
  }
  bool fits = false;
  room.victims = victims_among(idle_by_cost(loaded), room.plan.memory, full, fits);
  if (!fits) {
    room.kind = others_busy ? RoomPlan::Kind::kWait : RoomPlan::Kind::kNever;
    return room;
  }
  room.kind = room.victims.empty() ? RoomPlan::Kind::kFits : RoomPlan::Kind::kEvict;
  return room;
}

}  // namespace pensieve
