#include "selector/decision.h"

#include <algorithm>
#include <format>

#include "selector/classic.h"
#include "selector/explain.h"
#include "selector/worth.h"

namespace pensieve::selector {
namespace {

// True if candidate `a` is to be taken before `b`, both being possible.
bool better(const CandidateDecision& a, const FleetModel& model_a, const CandidateDecision& b, const FleetModel& model_b) {
  if (a.score != b.score) return a.score > b.score;
  if (model_a.role != model_b.role) return model_a.role < model_b.role;
  return model_a.id < model_b.id;
}

// Best of those that `accept` takes; empty: none.
template <typename Accept>
std::optional<std::size_t> best_of(const Decision& decision, const FleetSnapshot& fleet, Accept accept) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const CandidateDecision& candidate = decision.candidates[i];
    if (!accept(candidate)) continue;
    if (!best || better(candidate, fleet.models[i], decision.candidates[*best], fleet.models[*best])) best = i;
  }
  return best;
}

void apply_contracts(Decision& decision) {
  for (CandidateDecision& candidate : decision.candidates) {
    if (candidate.verdict == Verdict::kPossible) candidate.verdict = contract_verdict(candidate, decision.requirement);
  }
}

// No model keeps the contracts: the fastest, or soonest, of those that could answer at all is the
// least breach.
std::optional<std::size_t> least_breach(const Decision& decision) {
  std::optional<std::size_t> best;
  const auto closer = [&](const CandidateDecision& a, const CandidateDecision& b) {
    if (decision.requirement.min_speed.value > 0 && a.expected_speed != b.expected_speed) return a.expected_speed > b.expected_speed;
    if (a.expected_ttft != b.expected_ttft) return a.expected_ttft < b.expected_ttft;
    return a.model < b.model;
  };
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    const CandidateDecision& candidate = decision.candidates[i];
    if (candidate.verdict != Verdict::kTooSlow && candidate.verdict != Verdict::kTooLate) continue;
    if (!best || closer(candidate, decision.candidates[*best])) best = i;
  }
  return best;
}

std::string seconds(std::chrono::milliseconds time) { return std::format("{:.1f} s", static_cast<double>(time.count()) / 1000); }

void note_shortfall(Decision& decision, const std::string& words) {
  decision.degraded = true;
  decision.shortfall += (decision.shortfall.empty() ? "" : "; ") + words;
}

// What of the requirement the chosen one does not keep.
void note_breaches(Decision& decision, const CandidateDecision& chosen) {
  const Requirement& required = decision.requirement;
  if (required.min_speed.value > 0 && chosen.expected_speed < required.min_speed) {
    note_shortfall(decision,
                   std::format("about {:.1f} tok/s, {:.1f} were required", chosen.expected_speed.value, required.min_speed.value));
  }
  if (required.max_ttft.count() > 0 && chosen.expected_ttft > required.max_ttft) {
    note_shortfall(decision,
                   std::format("first token in about {}, {} were required", seconds(chosen.expected_ttft), seconds(required.max_ttft)));
  }
}

void note_steps(Decision& decision, const FleetModel& model) {
  for (const std::string& evicted : model.evicts) decision.steps.push_back("evict " + evicted);
  if (model.place == ModelPlace::kLoading) decision.steps.push_back("wait for " + model.id + " to load");
  if (model.place == ModelPlace::kUnloaded) decision.steps.push_back("load " + model.id);
  if (model.place == ModelPlace::kFailed) decision.steps.push_back("try again to load " + model.id);
  if (model.place != ModelPlace::kRemote && model.memory == MemoryVerdict::kFitsWithLessContext) {
    decision.steps.push_back(std::format("give it {} tokens of context", model.context_tokens));
    note_shortfall(decision, std::format("a context of {} tokens", model.context_tokens));
  }
}

Decision appraised(const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet, const SelectorPolicy& policy) {
  Decision decision{.task = task, .requirement = requirement};
  decision.candidates.reserve(fleet.models.size());
  for (const FleetModel& model : fleet.models) decision.candidates.push_back(appraise(task, requirement, model, fleet.machine, policy));
  apply_contracts(decision);
  return decision;
}

void settle(Decision& decision, const FleetSnapshot& fleet, std::optional<std::size_t> chosen) {
  decision.chosen = chosen;
  if (chosen) {
    decision.candidates[*chosen].verdict = Verdict::kChosen;
    note_breaches(decision, decision.candidates[*chosen]);
    note_steps(decision, fleet.models[*chosen]);
  }
  explain(decision, fleet);
}

// Those that could answer in the place of `model`, best first.
void note_others(Decision& decision, std::string_view model) {
  std::vector<const CandidateDecision*> possible;
  for (const CandidateDecision& candidate : decision.candidates) {
    if (candidate.verdict == Verdict::kPossible && candidate.model != model) possible.push_back(&candidate);
  }
  std::ranges::sort(possible, [](const CandidateDecision* a, const CandidateDecision* b) {
    return a->score != b->score ? a->score > b->score : a->model < b->model;
  });
  for (const CandidateDecision* candidate : possible) decision.others.push_back(candidate->model);
}

}  // namespace

const std::string& Decision::model() const {
  static const std::string none;
  return chosen ? candidates[*chosen].model : none;
}

Decision decide(const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet, const SelectorPolicy& policy) {
  Decision decision = appraised(task, requirement, fleet, policy);
  const auto possible = [](const CandidateDecision& candidate) { return candidate.verdict == Verdict::kPossible; };
  std::optional<std::size_t> chosen;
  if (policy.routing == RoutingPolicy::kClassic) chosen = classic_choice(decision, fleet);
  if (!chosen) chosen = best_of(decision, fleet, possible);
  if (!chosen) chosen = least_breach(decision);
  if (!chosen) chosen = best_of(decision, fleet, [](const CandidateDecision& candidate) { return candidate.verdict == Verdict::kFailed; });
  settle(decision, fleet, chosen);
  return decision;
}

Decision decide_fixed(const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet, const SelectorPolicy& policy,
                      std::string_view model) {
  Decision decision = appraised(task, requirement, fleet, policy);
  note_others(decision, model);
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < decision.candidates.size(); ++i) {
    CandidateDecision& candidate = decision.candidates[i];
    if (candidate.model != model) {
      candidate.verdict = Verdict::kNotAsked;
      candidate.reason.clear();
    } else {
      using enum Verdict;
      const Verdict verdict = candidate.verdict;
      if (verdict == kPossible || verdict == kTooSlow || verdict == kTooLate || verdict == kFailed) chosen = i;
    }
  }
  settle(decision, fleet, chosen);
  return decision;
}

}  // namespace pensieve::selector
