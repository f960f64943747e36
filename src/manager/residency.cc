#include "manager/residency.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pensieve {
namespace {

// Compute buffers and the process, with room: 60-120 MB were measured for models of 0.1 to 8 B
// parameters at a batch of 512 tokens.
constexpr Bytes kOverhead = mebibytes(160);
constexpr std::int64_t kDefaultContext = 8192;

double cost_of_losing(const LoadedModel& model) {
  const auto reload = static_cast<double>(std::max<std::int64_t>(1, model.reload.count()));
  return reload * model.likelihood / static_cast<double>(std::max<std::int64_t>(1, model.planned.value));
}

// The models that may go, the cheapest first; of equals the one that was not used for longest.
std::vector<LoadedModel> idle_by_cost(const std::vector<LoadedModel>& loaded) {
  std::vector<LoadedModel> idle;
  std::ranges::copy_if(loaded, std::back_inserter(idle), [](const LoadedModel& model) { return !model.busy && !model.pinned; });
  std::ranges::sort(idle, {}, [](const LoadedModel& model) { return std::pair(cost_of_losing(model), model.last_use); });
  return idle;
}

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
  const auto count = [&](const LoadedModel& model, bool there) {
    used = there ? used + model.planned : used - model.planned;
    available = there ? available - model.planned : available + model.planned;
  };

  std::vector<LoadedModel> victims;
  for (const LoadedModel& model : idle_by_cost(loaded)) {
    if (fits()) break;
    count(model, false);
    victims.push_back(model);
  }
  if (!fits()) {
    const bool others_busy = std::ranges::any_of(loaded, [](const LoadedModel& model) { return model.busy && !model.pinned; });
    return {others_busy ? RoomPlan::Kind::kWait : RoomPlan::Kind::kNever, {}};
  }
  // The last ones may be so large that the first ones need not go.
  for (std::size_t i = victims.size(); i-- > 0;) {
    count(victims[i], true);
    if (fits()) {
      victims.erase(victims.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      count(victims[i], false);
    }
  }
  RoomPlan plan;
  if (!victims.empty()) plan.kind = RoomPlan::Kind::kEvict;
  for (const LoadedModel& victim : victims) plan.victims.push_back(victim.id);
  return plan;
}

}  // namespace pensieve
