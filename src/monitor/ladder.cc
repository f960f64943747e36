#include "monitor/ladder.h"

#include <algorithm>
#include <format>
#include <functional>
#include <iterator>
#include <tuple>

namespace pensieve::monitor {
namespace {

// Share of its expected speed that the model in use reaches now; 1 if that is not known.
double speed_share(const Ladder& ladder, const Signals& signals) {
  const auto speed = signals.smoothed(SignalKind::kSpeed);
  const auto active = std::ranges::find_if(ladder.models(), &LadderModel::in_use);
  if (!speed || active == ladder.models().end() || active->expected.value <= 0) return 1;
  return std::min(1.0, *speed / active->expected.value);
}

std::string heat_objection(const Signals& signals, const MonitorPolicy& policy) {
  if (const auto degrees = signals.smoothed(SignalKind::kTemperature); degrees && *degrees >= policy.upgrade_temperature.value) {
    return std::format("{:.0f} C, not below {:.0f} yet", *degrees, policy.upgrade_temperature.value);
  }
  if (signals.value(SignalKind::kThermalLevel).value_or(0) >= 1) return "the system still reports heat";
  return {};
}

std::string speed_objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy) {
  const auto speed = signals.smoothed(SignalKind::kSpeed);
  if (target.expected.value <= 0) {
    if (!speed || *speed > policy.upgrade_speed.value) return {};
    return std::format("answers come at {:.1f} tok/s, not over {:.0f}", *speed, policy.upgrade_speed.value);
  }
  const double predicted = target.expected.value * speed_share(ladder, signals);
  const double least = policy.downgrade_speed.value * policy.speed_reserve;
  return predicted >= least ? "" : std::format("{} would answer at {:.1f} tok/s, below {:.1f}", target.id, predicted, least);
}

}  // namespace

Ladder::Ladder(std::vector<LadderModel> models) : models_(std::move(models)) {
  std::ranges::sort(models_, {}, [](const LadderModel& model) { return std::tuple(model.footprint, std::string_view(model.id)); });
}

const LadderModel* Ladder::find(std::string_view id) const {
  const auto found = std::ranges::find(models_, id, &LadderModel::id);
  return found == models_.end() ? nullptr : &*found;
}

Bytes Ladder::resident() const {
  Bytes sum;
  for (const LadderModel& model : models_) {
    if (model.resident) sum += model.footprint - model.mapped;
  }
  return sum;
}

std::vector<const LadderModel*> Ladder::ordered(LadderOrder order) const {
  std::vector<const LadderModel*> list;
  for (const LadderModel& model : models_) list.push_back(&model);
  const bool known = std::ranges::all_of(models_, [](const LadderModel& model) { return model.expected.value > 0; });
  if (order == LadderOrder::kSpeed && known) {
    std::ranges::stable_sort(list, std::greater{}, [](const LadderModel* model) { return model->expected; });
  }
  return list;
}

const LadderModel* Ladder::step_down(std::string_view cap, LadderOrder order) const {
  const std::vector<const LadderModel*> list = ordered(order);
  const auto place = [&](auto&& wanted) { return std::ranges::find_last_if(list, wanted).begin() - list.begin(); };
  std::ptrdiff_t top = place([&](const LadderModel* model) { return model->id == cap; });
  if (top == std::ssize(list)) --top;
  const std::ptrdiff_t active = place([](const LadderModel* model) { return model->in_use; });
  top = std::min(top, active);  // the end, if none is in use
  return top > 0 ? list[static_cast<std::size_t>(top) - 1] : nullptr;
}

const LadderModel* Ladder::step_up(std::string_view cap, LadderOrder order) const {
  const std::vector<const LadderModel*> list = ordered(order);
  const auto found = std::ranges::find(list, cap, [](const LadderModel* model) { return std::string_view(model->id); });
  return found == list.end() || std::next(found) == list.end() ? nullptr : *std::next(found);
}

bool Ladder::above(const LadderModel& model, std::string_view cap, LadderOrder order) const {
  const auto place = [list = ordered(order)](std::string_view id) {
    return std::ranges::find(list, id, [](const LadderModel* one) { return std::string_view(one->id); }) - list.begin();
  };
  return find(cap) != nullptr && place(model.id) > place(cap);
}

std::string memory_objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy) {
  const auto used = signals.value(SignalKind::kMemoryPercent);
  const auto total = signals.memory_total();
  if (!used || !total || target.resident) return {};
  const double of_total = 100.0 / static_cast<double>(total->value);
  const double others = std::max(0.0, *used - static_cast<double>(ladder.resident().value) * of_total);
  const double predicted = others + static_cast<double>(target.footprint.value) * of_total;
  if (predicted <= policy.downgrade_memory_percent - policy.memory_reserve_percent) return {};
  return std::format("{} would bring memory to {:.0f} %, too near to {:.0f} %", target.id, predicted, policy.downgrade_memory_percent);
}

std::string objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy) {
  if (std::string heat = heat_objection(signals, policy); !heat.empty()) return heat;
  if (std::string memory = memory_objection(target, ladder, signals, policy); !memory.empty()) return memory;
  if (const auto used = signals.smoothed(SignalKind::kMemoryPercent); used && signals.memory_total()) {
    const double ours = 100.0 * static_cast<double>(ladder.resident().value) / static_cast<double>(signals.memory_total()->value);
    if (*used - ours >= policy.upgrade_memory_percent) {
      return std::format("other programs use {:.0f} % of the memory, not below {:.0f} % yet", *used - ours, policy.upgrade_memory_percent);
    }
  }
  return speed_objection(target, ladder, signals, policy);
}

}  // namespace pensieve::monitor
