#include "manager/fleet_view.h"

#include <algorithm>
#include <format>

#include "manager/residency.h"
#include "selector/ability.h"

namespace pensieve {
namespace {

// Before anything is measured: memory bandwidth and arithmetic of an ordinary machine, and an SSD.
constexpr double kBytesPerSecond = 30e9;
constexpr double kPrefillOperations = 1e12;
constexpr double kDiskBytesPerSecond = 1e9;
constexpr std::int64_t kStartMs = 400;
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

}  // namespace

selector::FleetModel unloaded_fleet_model(const InstalledModel& model, std::int64_t context_tokens, Bytes usable) {
  const std::int64_t context = std::min(context_tokens, model.context_length > 0 ? model.context_length : context_tokens);
  selector::FleetModel view{.id = model.id, .role = role_of(model)};
  view.abilities = selector::estimate_abilities({.id = model.id, .parameters = model.parameters, .quantization = model.quantization});
  view.decode = {kBytesPerSecond / static_cast<double>(std::max<std::int64_t>(1, model.file_bytes))};
  view.prefill = {kPrefillOperations / (2.0 * static_cast<double>(std::max<std::int64_t>(1, model.parameters)))};
  view.context_tokens = context;
  view.load_time =
      std::chrono::milliseconds(kStartMs + static_cast<std::int64_t>(static_cast<double>(model.file_bytes) / kDiskBytesPerSecond * 1000));
  view.footprint = estimate_need(model, context);
  if (usable.value > 0 && view.footprint > usable) {
    view.memory = selector::MemoryVerdict::kDoesNotFit;
    view.memory_reason = std::format("needs {}, {} may be used", to_text(view.footprint), to_text(usable));
  }
  return view;
}

void apply_status(selector::FleetModel& view, const ModelStatus& status) {
  using enum selector::ModelPlace;
  switch (status.state) {
    case ModelState::kReady:
      view.place = kReady;
      break;
    case ModelState::kLoading:
      view.place = kLoading;
      break;
    case ModelState::kUnloading:
    case ModelState::kUnloaded:
      view.place = kUnloaded;
      break;
    case ModelState::kFailed:
      view.place = kFailed;
      break;
  }
  view.place_reason = status.state_reason;
  if (status.load_ms > 0) view.load_time = std::chrono::milliseconds(status.load_ms);
  if (view.place == kLoading) view.load_time /= 2;
  if (view.place == kReady) {
    view.load_time = {};
    view.memory = selector::MemoryVerdict::kFits;
    view.footprint = Bytes{status.weights_bytes + status.kv_bytes + status.compute_bytes};
  }
  view.context_tokens = status.context_tokens;
  view.queue_time = kWaitOfOne * status.waiting_requests;
  view.decode.value /= 1 + kShareOfOne * status.active_requests;
}

selector::FleetSnapshot unloaded_fleet(const std::vector<InstalledModel>& models, std::int64_t context_tokens, Bytes usable) {
  selector::FleetSnapshot fleet;
  fleet.machine.model_memory = usable;
  for (const InstalledModel& model : models) fleet.models.push_back(unloaded_fleet_model(model, context_tokens, usable));
  return fleet;
}

}  // namespace pensieve
