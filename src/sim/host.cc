#include <algorithm>
#include <cmath>

#include "selector/worth.h"
#include "sim/policy.h"

namespace pensieve::sim {

Bytes Host::held() const {
  Bytes sum;
  for (const Loaded& one : loaded) sum += one.footprint;
  return sum;
}

const Loaded* Host::find(std::size_t model) const {
  const auto found = std::ranges::find(loaded, model, &Loaded::model);
  return found == loaded.end() ? nullptr : &*found;
}

std::int64_t Host::warm_tokens(std::size_t model, std::uint64_t conversation) const {
  return find(model) != nullptr && conversations[model].first == conversation ? conversations[model].second : 0;
}

void Host::unload(std::size_t model) {
  if (working == model) return;
  std::erase_if(loaded, [model](const Loaded& one) { return one.model == model; });
  conversations[model] = {};
}

double success_of(const SimRequest& request, const SimModel& model) {
  const selector::FleetModel view{.id = model.id, .abilities = model.abilities};
  return selector::appraise(request.task, request.requirement, view, {}, {}).success;
}

}  // namespace pensieve::sim
