#include "selector/tiers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pensieve::selector {
namespace {

using Seconds = std::chrono::duration<double>;

// What a question shows of the request, and its own words.
constexpr std::int64_t kQuestionTokens = 450;
constexpr std::int64_t kQuestionWords = 70;
// Log odds of a class after the question was answered.
constexpr double kAnswered = 1.0;

std::chrono::milliseconds rounded(Seconds time) { return std::chrono::ceil<std::chrono::milliseconds>(time); }

Seconds answer_time(const CandidateDecision& candidate, std::int64_t tokens) {
  return Seconds(static_cast<double>(tokens) / std::max(candidate.expected_speed.value, 0.1));
}

Seconds whole_time(const CandidateDecision& candidate, const Assessment& task) {
  return Seconds(candidate.expected_ttft) + answer_time(candidate, task.needs.answer_tokens);
}

// True if it could answer this request at once.
bool at_hand(const CandidateDecision& candidate, const FleetModel& model) {
  return model.place == ModelPlace::kReady && (candidate.verdict == Verdict::kPossible || candidate.verdict == Verdict::kChosen);
}

Assessment with_logit(Assessment task, std::size_t boundary, double logit) {
  task.class_logits[boundary] = logit;
  // Complex implies medium.
  if (boundary == 1 && logit > 0) task.class_logits[0] = std::max(task.class_logits[0], logit);
  if (boundary == 0 && logit < 0) task.class_logits[1] = std::min(task.class_logits[1], logit);
  task.task_class = class_of(task.class_logits);
  task.difficulty = difficulty_of(task.class_logits);
  return task;
}

Seconds question_time(const Assessment& task, const FleetModel& model) {
  const double tokens = static_cast<double>(std::min(task.needs.prompt_tokens, kQuestionTokens) + kQuestionWords);
  return Seconds(model.queue_time) + Seconds(tokens / std::max(model.prefill.value, 1.0) + 1 / std::max(model.decode.value, 0.1));
}

}  // namespace

std::optional<TriagePlan> plan_triage(const Decision& decision, const FleetSnapshot& fleet, const SelectorPolicy& policy,
                                      const TierPolicy& tiers) {
  if (tiers.triage == TierMode::kOff || !decision.chosen) return std::nullopt;
  const Assessment& task = decision.task;
  const std::size_t boundary = std::abs(task.class_logits[1]) < std::abs(task.class_logits[0]) ? 1 : 0;
  if (std::abs(task.class_logits[boundary]) > tiers.triage_band) return std::nullopt;

  std::optional<std::size_t> asked;
  Seconds cost(std::numeric_limits<double>::max());
  for (std::size_t i = 0; i < fleet.models.size(); ++i) {
    if (fleet.models[i].place != ModelPlace::kReady) continue;
    const Seconds time = question_time(task, fleet.models[i]);
    if (time < cost) {
      asked = i;
      cost = time;
    }
  }
  if (!asked || cost > tiers.triage_limit) return std::nullopt;
  if (tiers.triage == TierMode::kAuto && cost > tiers.triage_share * whole_time(decision.candidates[*decision.chosen], task))
    return std::nullopt;

  TriagePlan plan{.model = fleet.models[*asked].id,
                  .boundary = boundary,
                  .if_harder = with_logit(task, boundary, kAnswered),
                  .if_easier = with_logit(task, boundary, -kAnswered),
                  .expected_cost = rounded(cost)};
  const Decision harder = decide(plan.if_harder, decision.requirement, fleet, policy);
  const Decision easier = decide(plan.if_easier, decision.requirement, fleet, policy);
  if (harder.model() == easier.model()) return std::nullopt;
  return plan;
}

std::optional<CascadePlan> plan_cascade(const Decision& decision, const FleetSnapshot& fleet, const TierPolicy& tiers, double kept_share) {
  if (tiers.cascade == TierMode::kOff || !decision.chosen || decision.requirement.quality == Quality::kMaximum) return std::nullopt;
  const CandidateDecision& large = decision.candidates[*decision.chosen];
  const Seconds large_time = whole_time(large, decision.task);
  const CandidateDecision* small = nullptr;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const CandidateDecision& candidate = decision.candidates[i];
    if (i == *decision.chosen || !at_hand(candidate, fleet.models[i])) continue;
    if (whole_time(candidate, decision.task) > tiers.cascade_share * large_time) continue;
    if (small == nullptr || candidate.success > small->success) small = &candidate;
  }
  if (small == nullptr) return std::nullopt;
  const std::int64_t held = std::min<std::int64_t>(tiers.held_tokens, decision.task.needs.answer_tokens);
  CascadePlan plan{.small = small->model,
                   .large = large.model,
                   .expected_cost = rounded(Seconds(small->expected_ttft) + answer_time(*small, held)),
                   .expected_saving = rounded(large_time - whole_time(*small, decision.task))};
  const double expected =
      kept_share * static_cast<double>(plan.expected_saving.count()) - (1 - kept_share) * static_cast<double>(plan.expected_cost.count());
  if (tiers.cascade == TierMode::kAuto && expected <= 0) return std::nullopt;
  return plan;
}

}  // namespace pensieve::selector
