// Pensieve's own policy: the code that the server runs.
#pragma once

#include "sim/policy.h"

namespace pensieve::sim {

// PerformanceMonitor, memory::plan and the selector's decision, as manager/machine_watch.cc and
// manager/routing_service.cc put them together.
std::unique_ptr<Policy> pensieve_policy(const Scenario& scenario, const MachineProfile& machine);

}  // namespace pensieve::sim
