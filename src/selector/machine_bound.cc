#include "selector/machine_bound.h"

#include <format>
#include <utility>

namespace pensieve::selector {

Decision decide_on_machine(const Objections& objections, const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet,
                           const SelectorPolicy& policy) {
  Decision free = decide(task, requirement, fleet, policy);
  const auto objection = free.chosen ? objections.find(free.model()) : objections.end();
  if (objection == objections.end()) return free;
  FleetSnapshot within = fleet;
  for (FleetModel& model : within.models) {
    const auto against = objections.find(model.id);
    if (against == objections.end()) continue;
    model.memory = MemoryVerdict::kDoesNotFit;
    model.memory_reason = against->second;
  }
  Decision bound = decide(task, requirement, within, policy);
  if (!bound.chosen) return free;
  bound.degraded = true;
  bound.reason += std::format("; {} would have answered on a calm machine: {}", free.model(), objection->second);
  return bound;
}

}  // namespace pensieve::selector
