#include "selector/worth.h"

#include <algorithm>
#include <cmath>
#include <format>

namespace pensieve::selector {
namespace {

using Seconds = std::chrono::duration<double>;

// A speed of 0 is unknown; a slow one is assumed, so that what is known wins.
constexpr double kUnknownDecode = 5;
constexpr double kUnknownPrefill = 100;

double success_of(const Assessment& task, const FleetModel& model, const SelectorPolicy& policy) {
  const double need = policy.easiest_need + policy.need_range * task.difficulty;
  const double ability = model.abilities[static_cast<std::size_t>(task.domain)];
  return 1 / (1 + std::exp((need - ability) / policy.need_spread));
}

struct Costs {
  Seconds first_token{0};
  Seconds answer{0};
  Seconds others{0};  // what this request costs those that are evicted
};

Costs costs_of(const Assessment& task, const FleetModel& model, const MachineFeeling& machine, const SelectorPolicy& policy) {
  const double prefill = model.prefill.value > 0 ? model.prefill.value : kUnknownPrefill;
  const double decode = model.decode.value > 0 ? model.decode.value : kUnknownDecode;
  const auto unread = static_cast<double>(std::max<std::int64_t>(0, task.needs.prompt_tokens - model.warm_tokens));
  const double pressed = machine.pressed ? policy.pressed_factor : 1;
  Costs costs;
  costs.first_token = model.queue_time + model.load_time + Seconds(unread / prefill + 1 / decode);
  costs.answer = Seconds(static_cast<double>(task.needs.answer_tokens) / decode);
  costs.others = Seconds(model.load_time) * (pressed - 1) + Seconds(model.evicted_reload) * policy.eviction_share * pressed;
  return costs;
}

// What excludes the model whatever it is worth; kPossible: nothing.
Verdict exclusion(const Assessment& task, const FleetModel& model, std::string& reason) {
  if (model.place == ModelPlace::kFailed) {
    reason = model.place_reason.empty() ? "does not load" : model.place_reason;
    return Verdict::kFailed;
  }
  if (task.needs.images && !model.accepts_images) {
    reason = "cannot see images: it has no projector (mmproj file) that can be used";
    return Verdict::kLacksImages;
  }
  if (task.needs.tools && !model.accepts_tools) {
    reason = "cannot call tools";
    return Verdict::kLacksTools;
  }
  if (task.needs.json && !model.accepts_json) {
    reason = "cannot keep to a schema";
    return Verdict::kLacksJson;
  }
  if (model.context_tokens > 0 && task.needs.prompt_tokens > model.context_tokens) {
    reason = std::format("the prompt of about {} tokens is longer than its context of {}", task.needs.prompt_tokens, model.context_tokens);
    return Verdict::kContextTooLong;
  }
  if (model.place != ModelPlace::kRemote && model.memory == MemoryVerdict::kDoesNotFit) {
    reason = model.memory_reason.empty() ? "does not fit in memory" : "does not fit in memory: " + model.memory_reason;
    return Verdict::kDoesNotFit;
  }
  return Verdict::kPossible;
}

bool is_strong(const FleetModel& model, Domain domain, const SelectorPolicy& policy) {
  return model.abilities[static_cast<std::size_t>(domain)] >= std::ranges::max(model.abilities) - policy.strong_margin;
}

// Share of the models' memory that it takes; what is there already counts half, since it still keeps
// others out.
double footprint_share(const FleetModel& model, const MachineFeeling& machine) {
  if (model.place == ModelPlace::kRemote || machine.model_memory.value <= 0) return 0;
  const double share = std::clamp(static_cast<double>(model.footprint.value) / static_cast<double>(machine.model_memory.value), 0.0, 1.0);
  return model.place == ModelPlace::kUnloaded ? share : share / 2;
}

}  // namespace

CandidateDecision appraise(const Assessment& task, const Requirement& requirement, const FleetModel& model, const MachineFeeling& machine,
                           const SelectorPolicy& policy) {
  CandidateDecision candidate{.model = model.id, .expected_speed = model.decode};
  candidate.success = success_of(task, model, policy);
  const Costs costs = costs_of(task, model, machine, policy);
  candidate.expected_ttft = std::chrono::duration_cast<std::chrono::milliseconds>(costs.first_token);
  candidate.verdict = exclusion(task, model, candidate.reason);
  if (candidate.verdict != Verdict::kPossible) return candidate;

  const auto quality = static_cast<std::size_t>(requirement.quality);
  const auto performance = static_cast<std::size_t>(requirement.performance);
  const double enough = policy.enough[quality];
  const double worth = policy.quality_weight[quality] * std::min(candidate.success, enough) / enough;
  const double patience = policy.patience_s[performance] / (machine.hot ? 2 : 1);
  const Seconds total = costs.first_token + costs.answer + costs.others;
  const double speed = policy.time_weight[performance] * std::exp2(-total.count() / patience);
  const double preference =
      model.role == ModelRole::kPrimary && is_strong(model, task.domain, policy) ? policy.role_preference[quality] : 0;
  candidate.score = worth + speed + preference - policy.footprint_weight * footprint_share(model, machine);
  return candidate;
}

Verdict contract_verdict(const CandidateDecision& candidate, const Requirement& requirement) {
  if (requirement.min_speed.value > 0 && candidate.expected_speed < requirement.min_speed) return Verdict::kTooSlow;
  if (requirement.max_ttft.count() > 0 && candidate.expected_ttft > requirement.max_ttft) return Verdict::kTooLate;
  return Verdict::kPossible;
}

}  // namespace pensieve::selector
