// The selector's snapshot of the models, from what catalog, memory and manager know.
#pragma once

#include "catalog/model_directory.h"
#include "manager/service.h"
#include "selector/fleet.h"

namespace pensieve {

// A model as if nothing were loaded: abilities and role from its file, memory against `usable`, speed
// and load time predicted from its size. 0 bytes of `usable`: memory is not judged.
selector::FleetModel unloaded_fleet_model(const InstalledModel& model, std::int64_t context_tokens, Bytes usable);

// What `status` says of a model that the manager knows: where it is, how busy it is, what it holds.
void apply_status(selector::FleetModel& view, const ModelStatus& status);

// All of them, as `pensieve route` sees the machine when no server runs.
selector::FleetSnapshot unloaded_fleet(const std::vector<InstalledModel>& models, std::int64_t context_tokens, Bytes usable);

}  // namespace pensieve
