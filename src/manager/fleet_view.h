// The selector's snapshot of the models, from what catalog, memory planner, ledger and manager know.
#pragma once

#include <cstdint>
#include <vector>

#include "catalog/model_directory.h"
#include "manager/model_planner.h"
#include "manager/residency.h"
#include "manager/service.h"
#include "selector/fleet.h"

namespace pensieve {

// What one decision knows of the machine: a reading, and who is loaded.
struct FleetMachine {
  const ModelPlanner& planner;
  memory::MachineState state;
  std::vector<LoadedModel> loaded;
};

// The machine now, with the models of `status` that are loaded.
FleetMachine fleet_machine(const ModelPlanner& planner, const std::vector<ModelStatus>& status, SteadyTime now);

// A model that is not loaded: abilities and role from its file, what it could be opened with and who
// would have to leave for it by the memory planner, speeds with `depth` tokens in the cache.
selector::FleetModel unloaded_fleet_model(const InstalledModel& model, const FleetMachine& machine, std::int64_t depth);

// A model that the manager knows: as above, but as it is while it is loaded.
selector::FleetModel fleet_model(const InstalledModel& model, const ModelStatus& status, const FleetMachine& machine, std::int64_t depth);

// All of them, as `pensieve route` sees the machine when no server runs.
selector::FleetSnapshot unloaded_fleet(const std::vector<InstalledModel>& models, const ModelPlanner& planner, std::int64_t depth);

}  // namespace pensieve
