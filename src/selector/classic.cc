#include "selector/classic.h"

namespace pensieve::selector {
namespace {

std::optional<std::size_t> possible_with(ModelRole role, const Decision& decision, const FleetSnapshot& fleet) {
  for (std::size_t i = 0; i < fleet.models.size(); ++i) {
    if (fleet.models[i].role == role && decision.candidates[i].verdict == Verdict::kPossible) return i;
  }
  return std::nullopt;
}

}  // namespace

ModelRole classic_role(const Assessment& task, const Requirement& requirement) {
  using enum TaskClass;
  const Quality quality = requirement.quality;
  const Performance performance = requirement.performance;
  if (task.task_class == kSimple && quality == Quality::kGood && performance == Performance::kHigh) return ModelRole::kFallback;
  if (task.task_class == kMedium && quality == Quality::kHigh && performance == Performance::kHigh) return ModelRole::kPrimary;
  if (task.task_class == kComplex && quality == Quality::kMaximum && performance == Performance::kMedium) return ModelRole::kTertiary;
  if (task.domain == Domain::kReasoning || task.domain == Domain::kKnowledge) return ModelRole::kSecondary;
  return ModelRole::kPrimary;
}

std::optional<std::size_t> classic_choice(const Decision& decision, const FleetSnapshot& fleet) {
  const ModelRole wanted = classic_role(decision.task, decision.requirement);
  for (const ModelRole role : {wanted, ModelRole::kPrimary, ModelRole::kSecondary, ModelRole::kFallback, ModelRole::kTertiary}) {
    if (const auto found = possible_with(role, decision, fleet)) return found;
  }
  return std::nullopt;
}

}  // namespace pensieve::selector
