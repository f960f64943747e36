#include "manager/fleet_view.h"

#include <algorithm>
#include <format>

#include "selector/ability.h"

namespace pensieve {
namespace {

// A request that waits, and what one that runs takes of the speed of another in the same batch.
constexpr std::chrono::milliseconds kWaitOfOne{3000};
constexpr double kShareOfOne = 0.4;

selector::ModelRole role_of(const InstalledModel& model) {
  using enum selector::ModelRole;
  for (const selector::ModelRole role : {kPrimary, kSecondary, kTertiary, kFallback}) {
    if (std::ranges::find(model.aliases, to_string(role)) != model.aliases.end()) return role;
  }
  return kNone;
}

selector::FleetModel described(const InstalledModel& model) {
  selector::FleetModel view{.id = model.id, .role = role_of(model), .accepts_images = !model.projector.empty()};
  view.abilities = selector::estimate_abilities({.id = model.id, .parameters = model.parameters, .quantization = model.quantization});
  return view;
}

void set_speed(selector::FleetModel& view, const InstalledModel& model, const FleetMachine& machine, memory::CacheType cache,
               std::int64_t depth) {
  const Forecast forecast = machine.planner.forecast(model, cache, std::min(depth, std::max<std::int64_t>(view.context_tokens, 1)));
  view.decode = forecast.decode;
  view.prefill = forecast.prefill;
  view.speed_measured = forecast.measured;
  view.load_time = forecast.load_time;
}

// Who has to leave, idle or busy, and what bringing them back takes.
void set_evicted(selector::FleetModel& view, const RoomPlan& room, const FleetMachine& machine) {
  view.evicts = room.victims;
  if (room.kind == RoomPlan::Kind::kWait) {
    for (const LoadedModel& model : machine.loaded) {
      if (!model.pinned) view.evicts.push_back(model.id);
    }
  }
  for (const LoadedModel& model : machine.loaded) {
    if (std::ranges::contains(view.evicts, model.id)) view.evicted_reload += model.load_time;
  }
}

void set_memory(selector::FleetModel& view, const memory::Plan& plan) {
  switch (plan.verdict) {
    case memory::Verdict::kFits:
      view.memory = selector::MemoryVerdict::kFits;
      return;
    case memory::Verdict::kFitsWithLessContext:
      view.memory = selector::MemoryVerdict::kFitsWithLessContext;
      view.memory_reason = std::format("{} tokens of context fit", plan.settings.context_tokens);
      return;
    case memory::Verdict::kDoesNotFit:
      view.memory = selector::MemoryVerdict::kDoesNotFit;
      view.memory_reason =
          std::format("needs {}, {} may be used", to_text(plan.check.needed), to_text(std::max(plan.check.budget, Bytes{0})));
  }
}

selector::ModelPlace place_of(ModelState state) {
  using enum selector::ModelPlace;
  switch (state) {
    case ModelState::kReady:
      return kReady;
    case ModelState::kLoading:
      return kLoading;
    case ModelState::kUnloading:
    case ModelState::kUnloaded:
      return kUnloaded;
    case ModelState::kFailed:
      return kFailed;
  }
  return kUnloaded;
}

}  // namespace

FleetMachine fleet_machine(const ModelPlanner& planner, const std::vector<ModelStatus>& status, SteadyTime now) {
  FleetMachine machine{.planner = planner, .state = planner.machine(), .loaded = {}};
  for (const ModelStatus& model : status) {
    if (model.planned_bytes == 0) continue;
    machine.loaded.push_back({.id = model.id,
                              .planned = Bytes{model.planned_bytes},
                              .busy = model.active_requests > 0 || model.state != ModelState::kReady,
                              .pinned = model.pinned,
                              .last_use = now - std::chrono::seconds(model.idle_seconds),
                              .mapped = Bytes{model.mapped_bytes},
                              .likelihood = model.recent_uses,
                              .load_time = std::chrono::milliseconds(model.load_ms)});
  }
  return machine;
}

selector::FleetModel unloaded_fleet_model(const InstalledModel& model, const FleetMachine& machine, std::int64_t depth) {
  selector::FleetModel view = described(model);
  const auto plan_in = [&](const memory::MachineState& state) { return machine.planner.plan(model, state); };
  const RoomPlan room = plan_room(plan_in, machine.loaded, machine.state);
  view.context_tokens = room.plan.settings.context_tokens;
  if (model.context_length > 0) view.context_tokens = std::min(view.context_tokens, model.context_length);
  view.footprint = room.plan.check.needed;
  set_memory(view, room.plan);
  set_evicted(view, room, machine);
  set_speed(view, model, machine, room.plan.settings.cache, depth);
  return view;
}

selector::FleetModel fleet_model(const InstalledModel& model, const ModelStatus& status, const FleetMachine& machine, std::int64_t depth) {
  using enum selector::ModelPlace;
  selector::FleetModel view;
  if (status.state == ModelState::kReady || status.state == ModelState::kLoading) {
    view = described(model);
    view.context_tokens = status.context_tokens;
    view.footprint = Bytes{status.planned_bytes};
    set_speed(view, model, machine, memory::find_cache_type(status.cache_type).value_or(memory::CacheType::kF16), depth);
  } else {
    view = unloaded_fleet_model(model, machine, depth);
  }
  view.accepts_images = std::ranges::contains(status.capabilities, "vision");
  view.place = place_of(status.state);
  view.place_reason = status.state_reason;
  if (view.place == kReady) view.load_time = {};
  if (view.place == kLoading) view.load_time /= 2;
  view.queue_time = kWaitOfOne * status.waiting_requests;
  view.decode.value /= 1 + kShareOfOne * status.active_requests;
  return view;
}

selector::FleetSnapshot unloaded_fleet(const std::vector<InstalledModel>& models, const ModelPlanner& planner, std::int64_t depth) {
  const FleetMachine machine = fleet_machine(planner, {}, SteadyTime{});
  selector::FleetSnapshot fleet;
  fleet.machine.model_memory = machine.state.limit;
  for (const InstalledModel& model : models) fleet.models.push_back(unloaded_fleet_model(model, machine, depth));
  return fleet;
}

}  // namespace pensieve
