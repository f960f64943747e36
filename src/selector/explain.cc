#include "selector/explain.h"

#include <algorithm>
#include <format>

namespace pensieve::selector {
namespace {

std::string seconds(std::chrono::milliseconds time) { return std::format("{:.1f} s", static_cast<double>(time.count()) / 1000); }

// "code of medium complexity, high quality wanted, medium performance".
std::string task_words(const Decision& decision) {
  return std::format("{} {} task, {} quality and {} performance wanted", to_string(decision.task.task_class),
                     to_string(decision.task.domain), to_string(decision.requirement.quality), to_string(decision.requirement.performance));
}

std::string state_words(const FleetModel& model) {
  switch (model.place) {
    case ModelPlace::kReady:
      return model.warm_tokens > 0 ? std::format("in memory with {} tokens of this conversation read", model.warm_tokens) : "in memory";
    case ModelPlace::kLoading:
      return std::format("loading, ready in {}", seconds(model.load_time));
    case ModelPlace::kUnloaded:
      return std::format("to be loaded in {}", seconds(model.load_time));
    case ModelPlace::kRemote:
      return "on another server";
    case ModelPlace::kFailed:
      return model.place_reason.empty() ? "did not load before" : "did not load before: " + model.place_reason;
  }
  return "";
}

std::string prospects(const CandidateDecision& candidate, const FleetModel& model) {
  std::string words =
      std::format("success {:.0f} %, {}, first token in {}", candidate.success * 100, state_words(model), seconds(candidate.expected_ttft));
  if (model.decode.value > 0) words += std::format(", {:.1f} tok/s{}", model.decode.value, model.speed_measured ? "" : " predicted");
  if (!model.evicts.empty()) words += std::format(", evicts {} model{}", model.evicts.size(), model.evicts.size() == 1 ? "" : "s");
  return words;
}

std::string candidate_words(const CandidateDecision& candidate, const FleetModel& model, const Requirement& requirement) {
  switch (candidate.verdict) {
    case Verdict::kChosen:
    case Verdict::kPossible:
      return prospects(candidate, model);
    case Verdict::kTooSlow:
      return std::format("{:.1f} tok/s is below the required {:.1f}", candidate.expected_speed.value, requirement.min_speed.value);
    case Verdict::kTooLate:
      return std::format("the first token in {} is later than the required {}", seconds(candidate.expected_ttft),
                         seconds(requirement.max_ttft));
    default:
      return candidate.reason;
  }
}

// Why the chosen one beats the next best, by what differs most.
std::string contrast(const Decision& decision) {
  const CandidateDecision& chosen = decision.candidates[*decision.chosen];
  const CandidateDecision* next = nullptr;
  for (const CandidateDecision& candidate : decision.candidates) {
    if (candidate.verdict == Verdict::kPossible && (next == nullptr || candidate.score > next->score)) next = &candidate;
  }
  if (next == nullptr) return "the only model that can answer";
  if (chosen.success > next->success + 0.05)
    return std::format("more likely to succeed than {} ({:.0f} % against {:.0f} %)", next->model, chosen.success * 100,
                       next->success * 100);
  if (chosen.expected_ttft < next->expected_ttft - std::chrono::milliseconds(300)) {
    return std::format("answers sooner than {} ({} against {}) and is good enough", next->model, seconds(chosen.expected_ttft),
                       seconds(next->expected_ttft));
  }
  if (chosen.expected_speed.value > next->expected_speed.value * 1.05) {
    return std::format("faster than {} ({:.1f} against {:.1f} tok/s) and good enough", next->model, chosen.expected_speed.value,
                       next->expected_speed.value);
  }
  return std::format("about as good as {}, and it costs no more", next->model);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kChosen:
      return "chosen";
    case Verdict::kPossible:
      return "possible";
    case Verdict::kTooSlow:
      return "too_slow";
    case Verdict::kTooLate:
      return "too_late";
    case Verdict::kDoesNotFit:
      return "does_not_fit";
    case Verdict::kContextTooLong:
      return "context_too_long";
    case Verdict::kLacksTools:
      return "lacks_tools";
    case Verdict::kLacksImages:
      return "lacks_images";
    case Verdict::kLacksJson:
      return "lacks_json";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kNotAsked:
      return "not_asked";
  }
  return "possible";
}

std::string_view to_string(ModelRole role) {
  switch (role) {
    case ModelRole::kPrimary:
      return "primary";
    case ModelRole::kSecondary:
      return "secondary";
    case ModelRole::kTertiary:
      return "tertiary";
    case ModelRole::kFallback:
      return "fallback";
    case ModelRole::kNone:
      return "none";
  }
  return "none";
}

void explain(Decision& decision, const FleetSnapshot& fleet) {
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    CandidateDecision& candidate = decision.candidates[i];
    if (candidate.verdict != Verdict::kNotAsked) candidate.reason = candidate_words(candidate, fleet.models[i], decision.requirement);
  }
  if (!decision.chosen) {
    decision.reason = decision.candidates.empty() ? "no model is installed" : task_words(decision) + ": no model can answer";
    return;
  }
  const std::string& model = decision.candidates[*decision.chosen].model;
  const bool named = std::ranges::any_of(decision.candidates, [](const CandidateDecision& c) { return c.verdict == Verdict::kNotAsked; });
  decision.reason = named ? std::format("{}: the request names it", model)
                          : std::format("{} for a {}: {}", model, task_words(decision), contrast(decision));
  if (decision.degraded) decision.reason += "; less than what was required: " + decision.shortfall;
}

}  // namespace pensieve::selector
