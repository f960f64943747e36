#include "manager/experts.h"

#include <algorithm>
#include <format>

#include "gguf/model_shape.h"

namespace pensieve {

std::uint32_t other_expert_count(const InstalledModel& model, std::int32_t wanted) {
  if (wanted <= 0 || !model.shape || model.shape->experts == 0) return 0;
  const std::uint32_t count = std::min(static_cast<std::uint32_t>(wanted), model.shape->experts);
  return count == model.shape->experts_used ? 0 : count;
}

std::string fewer_experts(const InstalledModel& model, std::int32_t wanted) {
  const std::uint32_t count = other_expert_count(model, wanted);
  if (count == 0 || count > model.shape->experts_used) return {};
  return std::format("{} of {} experts instead of {}", count, model.shape->experts, model.shape->experts_used);
}

}  // namespace pensieve
