#include "manager/residency.h"

#include <algorithm>

namespace pensieve {
namespace {

// Compute buffers and the process, with room: 60-120 MB were measured for models of 0.1 to 8 B
// parameters at a batch of 512 tokens.
constexpr Bytes kOverhead = mebibytes(160);

}  // namespace

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
