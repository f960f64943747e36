#include "selector/machine_bound.h"

#include <algorithm>
#include <format>
#include <utility>
#include <vector>

namespace pensieve::selector {

namespace {

FleetSnapshot without(FleetSnapshot fleet, const Objections& objections) {
  for (FleetModel& model : fleet.models) {
    const auto against = objections.find(model.id);
    if (against == objections.end()) continue;
    model.memory = MemoryVerdict::kDoesNotFit;
    model.memory_reason = against->second;
  }
  return fleet;
}

std::vector<std::string> smallest_first(const FleetSnapshot& fleet) {
  std::vector<std::string> ids;
  for (const FleetModel& model : fleet.models) ids.push_back(model.id);
  std::ranges::stable_sort(ids, {}, [&](const std::string& id) { return std::ranges::find(fleet.models, id, &FleetModel::id)->footprint; });
  return ids;
}

}  // namespace

Decision decide_on_machine(const Objections& objections, const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet,
                           const SelectorPolicy& policy) {
  Decision free = decide(task, requirement, fleet, policy);
  const auto objection = free.chosen ? objections.find(free.model()) : objections.end();
  if (objection == objections.end()) return free;
  Objections held = objections;
  Decision bound = decide(task, requirement, without(fleet, held), policy);
  // One objection less at a time, the smallest model's first.
  for (const std::string& id : smallest_first(fleet)) {
    if (bound.chosen) break;
    if (held.erase(id) > 0) bound = decide(task, requirement, without(fleet, held), policy);
  }
  if (bound.model() == free.model()) return free;
  bound.degraded = true;
  bound.reason += std::format("; {} would have answered on a calm machine: {}", free.model(), objection->second);
  return bound;
}

}  // namespace pensieve::selector
