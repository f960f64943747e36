// What fits into memory beside what is loaded, and what has to go. Pure.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "memory/plan.h"

namespace pensieve {

// A model that has a worker.
struct LoadedModel {
  std::string id;
  Bytes planned;        // what it was planned to need
  bool busy = false;    // requests hold it
  bool pinned = false;  // stays, busy or not
  SteadyTime last_use;
  Bytes mapped;           // of `planned`: what the machine's reading still counts as available (mapped file pages)
  double likelihood = 1;  // of being used again; any scale
  std::chrono::milliseconds load_time{0};
};

struct RoomPlan {
  enum class Kind : std::uint8_t {
    kFits,
    kEvict,  // `victims` must be unloaded first
    kWait,   // busy models must become idle first
    kNever,  // does not fit beside the pinned models, or not even alone
  };
  Kind kind = Kind::kNever;
  std::vector<std::string> victims;  // cheapest first
  memory::Plan plan;                 // how the model is to be opened; of kNever: why not
};

// How a model would be opened on a machine in that state.
using PlanFunction = std::function<memory::Plan(const memory::MachineState&)>;

// `machine`: as read, with nothing of `loaded` accounted for yet. The model is planned as if all but
// the pinned models were gone, since idle ones leave before its context shrinks. Then those go that cost
// least to lose: the time to load them again, as often as they will be wanted, for each byte that they
// give. No more go than are needed.
RoomPlan plan_room(const PlanFunction& plan_in, const std::vector<LoadedModel>& loaded, const memory::MachineState& machine);

}  // namespace pensieve
