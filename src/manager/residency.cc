#include "manager/residency.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pensieve {
namespace {

// A model that was read as it is: its mapped pages still count as available.
void account(memory::MachineState& machine, const LoadedModel& model) {
  machine.ours += model.planned;
  machine.available -= model.mapped;
}

void count(memory::MachineState& machine, const LoadedModel& model, bool there) {
  machine.ours = there ? machine.ours + model.planned : machine.ours - model.planned;
  machine.available = there ? machine.available - model.planned : machine.available + model.planned;
}

double cost_of_losing(const LoadedModel& model) {
  const auto reload = static_cast<double>(std::max<std::int64_t>(1, model.reload.count()));
  return reload * model.likelihood / static_cast<double>(std::max<std::int64_t>(1, model.planned.value));
}

// The models that may go, the cheapest first; of equals the one that was not used for longest.
std::vector<LoadedModel> idle_by_cost(const std::vector<LoadedModel>& loaded) {
  std::vector<LoadedModel> idle;
  std::ranges::copy_if(loaded, std::back_inserter(idle), [](const LoadedModel& model) { return !model.busy && !model.pinned; });
  std::ranges::sort(idle, {}, [](const LoadedModel& model) { return std::pair(cost_of_losing(model), model.last_use); });
  return idle;
}

// Who must leave `machine` for `memory`; false if all of `idle` would not be enough.
bool choose_victims(const std::vector<LoadedModel>& idle, const memory::ModelMemory& memory, memory::MachineState machine,
                    std::vector<std::string>& victims) {
  const auto fits = [&] { return memory::can_load(memory, machine).fits; };
  std::vector<LoadedModel> gone;
  for (const LoadedModel& model : idle) {
    if (fits()) break;
    count(machine, model, false);
    gone.push_back(model);
  }
  if (!fits()) return false;
  // The last ones may be so large that the first ones need not go.
  for (std::size_t i = gone.size(); i-- > 0;) {
    count(machine, gone[i], true);
    if (fits()) {
      gone.erase(gone.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      count(machine, gone[i], false);
    }
  }
  for (const LoadedModel& victim : gone) victims.push_back(victim.id);
  return true;
}

}  // namespace

RoomPlan plan_room(const PlanFunction& plan_in, const std::vector<LoadedModel>& loaded, const memory::MachineState& machine) {
  memory::MachineState full = machine;
  for (const LoadedModel& model : loaded) account(full, model);
  memory::MachineState empty = full;
  for (const LoadedModel& model : loaded) {
    if (!model.pinned) count(empty, model, false);
  }
  const bool others_busy = std::ranges::any_of(loaded, [](const LoadedModel& model) { return model.busy && !model.pinned; });
  RoomPlan room{.plan = plan_in(empty)};
  if (room.plan.verdict == memory::Verdict::kDoesNotFit) {
    // With busy models gone there may be more than can be known now; the limit stays.
    memory::MachineState best = empty;
    best.available = best.total;
    if (others_busy && plan_in(best).verdict != memory::Verdict::kDoesNotFit) room.kind = RoomPlan::Kind::kWait;
    return room;
  }
  if (!choose_victims(idle_by_cost(loaded), room.plan.memory, full, room.victims)) {
    if (others_busy) room.kind = RoomPlan::Kind::kWait;
    return room;
  }
  room.kind = room.victims.empty() ? RoomPlan::Kind::kFits : RoomPlan::Kind::kEvict;
  return room;
}

}  // namespace pensieve
