#include "manager/residency.h"

#include <algorithm>

namespace pensieve {
namespace {

// Compute buffers and the process, with room: 60-120 MB were measured for models of 0.1 to 8 B
// parameters at a batch of 512 tokens.
constexpr Bytes kOverhead = mebibytes(160);
constexpr std::int64_t kDefaultContext = 8192;

}  // namespace

std::int64_t planned_context(const InstalledModel& model, std::int32_t configured) {
  if (configured > 0) return configured;
  return model.context_length > 0 ? std::min(model.context_length, kDefaultContext) : kDefaultContext;
}

MemoryBudget memory_budget(const MemoryConfig& config, const MemoryReading& reading) {
  MemoryBudget budget{.limit = Bytes{config.limit_bytes}, .margin = Bytes{config.margin_bytes}, .available = reading.available};
  if (budget.limit.value == 0) budget.limit = Bytes{reading.total.value / 4 * 3};
  // Small machines would otherwise have nothing left but the margin.
  budget.margin = std::min(budget.margin, Bytes{reading.total.value / 8});
  return budget;
}

Bytes estimate_need(const InstalledModel& model, std::int64_t context_tokens) {
  return Bytes{model.file_bytes} + Bytes{model.kv_bytes_per_token} * context_tokens + kOverhead;
}

RoomPlan plan_room(Bytes need, Bytes file, const std::vector<LoadedModel>& loaded, const MemoryBudget& budget) {
  if (need > budget.limit) return {RoomPlan::Kind::kNever, {}};
  Bytes used;
  for (const LoadedModel& model : loaded) used += model.planned;
  Bytes available = budget.available - budget.margin;
  const auto fits = [&] { return used + need <= budget.limit && need - file <= available; };

  std::vector<LoadedModel> idle;
  std::ranges::copy_if(loaded, std::back_inserter(idle), [](const LoadedModel& m) { return !m.busy; });
  std::ranges::sort(idle, {}, &LoadedModel::last_use);
  RoomPlan plan;
  for (const LoadedModel& victim : idle) {
    if (fits()) break;
    plan.kind = RoomPlan::Kind::kEvict;
    plan.victims.push_back(victim.id);
    used -= victim.planned;
    available += victim.planned;
  }
  if (fits()) return plan;
  const bool others_busy = idle.size() < loaded.size();
  return {others_busy ? RoomPlan::Kind::kWait : RoomPlan::Kind::kNever, {}};
}

}  // namespace pensieve
