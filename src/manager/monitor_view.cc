#include "manager/monitor_view.h"

#include <algorithm>

#include "monitor/score.h"

namespace pensieve {
namespace {

std::int64_t milliseconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from).count();
}

}  // namespace

monitor::MonitorPolicy monitor_policy(const MonitorConfig& config) {
  monitor::MonitorPolicy policy;
  policy.downgrade_memory_percent = config.downgrade_memory_percent;
  policy.downgrade_swap_pages = config.downgrade_swap_pages;
  policy.downgrade_temperature = {static_cast<double>(config.downgrade_temperature)};
  policy.downgrade_speed = {static_cast<double>(config.downgrade_tokens_per_second)};
  policy.upgrade_memory_percent = config.upgrade_memory_percent;
  policy.upgrade_temperature = {static_cast<double>(config.upgrade_temperature)};
  policy.upgrade_speed = {static_cast<double>(config.upgrade_tokens_per_second)};
  policy.throttle_temperature = {static_cast<double>(config.throttle_temperature)};
  policy.shrink_free = Bytes{config.shrink_free_bytes};
  policy.critical_free = Bytes{config.critical_free_bytes};
  policy.emergency_free = Bytes{config.emergency_free_bytes};
  policy.recovery = std::chrono::seconds(config.recovery_s);
  policy.cooldown = std::chrono::seconds(config.cooldown_s);
  policy.longest_cooldown = std::max(policy.longest_cooldown, policy.cooldown);
  return policy;
}

monitor::Ladder ladder_of(const selector::FleetSnapshot& fleet, const std::vector<ModelStatus>& models, std::string_view last_model) {
  const bool busy = std::ranges::any_of(models, [](const ModelStatus& model) { return model.active_requests > 0; });
  std::vector<monitor::LadderModel> ladder;
  for (const selector::FleetModel& model : fleet.models) {
    using enum selector::ModelPlace;
    const bool can = model.place != kRemote && model.place != kFailed && model.memory != selector::MemoryVerdict::kDoesNotFit;
    if (!can) continue;
    const auto status = std::ranges::find(models, model.id, &ModelStatus::id);
    const bool active = status != models.end() && status->active_requests > 0;
    ladder.push_back({.id = model.id,
                      .footprint = model.footprint,
                      .expected = model.decode,
                      .resident = model.place == kReady || model.place == kLoading,
                      .in_use = busy ? active : model.id == last_model,
                      .mapped = Bytes{status != models.end() ? status->mapped_bytes : 0}});
  }
  return monitor::Ladder(std::move(ladder));
}

MachineView machine_view(const monitor::PerformanceMonitor& monitor, const monitor::Ladder& ladder) {
  MachineView view;
  const monitor::Wish& wish = monitor.wish();
  view.hot = monitor.throttle().pause_percent > 0;
  view.pressed = monitor::about_memory(wish);
  for (const monitor::LadderModel& model : ladder.models()) {
    if (std::string reason = monitor.objection_to(model, ladder); !reason.empty()) view.objections[model.id] = std::move(reason);
  }
  return view;
}

MonitorStatus monitor_status(const monitor::PerformanceMonitor& monitor) {
  const SteadyTime now = monitor.signals().now();
  MonitorStatus status{.enabled = true,
                       .level = std::string(to_string(monitor.level())),
                       .reason = monitor.wish().reason(),
                       .largest_model = monitor.cap(),
                       .held_by = monitor.held_by(),
                       .score = monitor::score(monitor.signals())};
  if (monitor.changed_at()) status.level_seconds = milliseconds_between(*monitor.changed_at(), now) / 1000;
  for (std::size_t i = 0; i < monitor::kSignalCount; ++i) {
    const auto kind = static_cast<monitor::SignalKind>(i);
    const monitor::Signal& signal = monitor.signals()[kind];
    status.signals.push_back({.name = std::string(to_string(kind)),
                              .unit = std::string(unit_of(kind)),
                              .value = signal.value,
                              .smoothed = signal.smoothed,
                              .source = signal.source,
                              .age_ms = signal.value ? milliseconds_between(signal.at, now) : 0,
                              .note = signal.note});
  }
  const monitor::ThrottlePlan& plan = monitor.throttle();
  status.throttle = {plan.threads_percent, plan.batch_percent, plan.pause_percent, plan.active_percent};
  return status;
}

ServerEvent event_of(const monitor::Change& change, std::int64_t at_unix_ms) {
  return {.at_unix_ms = at_unix_ms,
          .kind = change.downgrade ? "downgrade"
                  : change.upgrade ? "upgrade"
                                   : "level",
          .from = std::string(to_string(change.from)),
          .to = std::string(to_string(change.to)),
          .model = change.cap_to,
          .reason = change.reason};
}

}  // namespace pensieve
