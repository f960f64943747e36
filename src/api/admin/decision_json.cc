#include "api/admin/decision_json.h"

#include <cmath>
#include <glaze/glaze.hpp>
#include <optional>
#include <vector>

#include "api/escaped_json.h"

namespace pensieve::api {
namespace decision_form {  // glaze reads the names of fields only of types with linkage

struct Complexity {
  double score = 0;
  std::string_view complexity_class;
  double difficulty = 0;
};

struct Candidate {
  std::string_view model;
  std::string_view verdict;
  double score = 0;
  double success = 0;
  std::int64_t expected_ttft_ms = 0;
  double expected_tps = 0;
  std::string_view reason;
};

struct Tokens {
  std::int64_t prompt = 0;
  std::int64_t answer = 0;
};

struct Needs {
  bool tools = false;
  bool images = false;
  bool json = false;
};

// A question to a small model before the decision.
struct Triage {
  std::string_view model;
  std::string_view boundary;  // medium: "at least medium?", complex: "complex?"
  std::optional<double> yes;  // probability
  bool changed = false;
  std::int64_t cost_ms = 0;
};

// A small model's try before the chosen one.
struct Cascade {
  std::string_view small;
  std::string_view large;
  std::int64_t expected_cost_ms = 0;
  std::int64_t expected_saving_ms = 0;
  std::string_view verdict;  // open, kept, escalated
  std::string_view reason;
  double confidence = 0;
  std::int32_t tokens = 0;
  std::int64_t cost_ms = 0;
};

struct Outcome {
  std::string_view state;  // running, finished, failed, disconnected, interrupted
  std::string_view error;
  std::string_view model;
  std::string_view degraded;
  std::int64_t ttft_ms = 0;
  double tps = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_prompt_tokens = 0;
  std::int64_t answer_tokens = 0;
  std::int32_t regenerations = 0;
};

struct DecisionForm {
  std::string_view id;
  std::optional<std::string_view> asked;
  std::optional<std::int64_t> at_unix;
  std::optional<bool> named;
  std::string_view model;
  Complexity complexity;
  std::string_view domain;
  std::string_view turn;
  std::string_view quality;
  std::string_view performance;
  Tokens estimated_tokens;
  Needs needs;
  std::string_view reason;
  bool degraded = false;
  std::string_view shortfall;
  std::vector<std::string> steps;
  std::vector<Candidate> candidates;
  double decision_us = 0;
  std::optional<Triage> triage;
  std::optional<Cascade> cascade;
  std::optional<Outcome> outcome;
};

}  // namespace decision_form
namespace {

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

}  // namespace
}  // namespace pensieve::api

template <>
struct glz::meta<pensieve::api::decision_form::Complexity> {
  using T = pensieve::api::decision_form::Complexity;
  static constexpr auto value = object("score", &T::score, "class", &T::complexity_class, "difficulty", &T::difficulty);
};

namespace pensieve::api {

namespace {

decision_form::DecisionForm form_of(const selector::Decision& decision, std::string_view id, std::chrono::nanoseconds time_taken) {
  const selector::Assessment& task = decision.task;
  decision_form::DecisionForm form{.id = id,
                                   .asked = {},
                                   .at_unix = {},
                                   .named = {},
                                   .model = decision.model(),
                                   .complexity = {rounded(task.score, 1e6), to_string(task.task_class), rounded(task.difficulty, 1e4)},
                                   .domain = to_string(task.domain),
                                   .turn = to_string(task.turn),
                                   .quality = selector::to_string(decision.requirement.quality),
                                   .performance = selector::to_string(decision.requirement.performance),
                                   .estimated_tokens = {task.needs.prompt_tokens, task.needs.answer_tokens},
                                   .needs = {task.needs.tools, task.needs.images, task.needs.json},
                                   .reason = decision.reason,
                                   .degraded = decision.degraded,
                                   .shortfall = decision.shortfall,
                                   .steps = decision.steps,
                                   .candidates = {},
                                   .decision_us = rounded(static_cast<double>(time_taken.count()) / 1000, 10),
                                   .triage = {},
                                   .cascade = {},
                                   .outcome = {}};
  for (const selector::CandidateDecision& candidate : decision.candidates) {
    form.candidates.push_back({candidate.model, to_string(candidate.verdict), rounded(candidate.score, 1e4),
                               rounded(candidate.success, 1e4), candidate.expected_ttft.count(),
                               rounded(candidate.expected_speed.value, 100), candidate.reason});
  }
  return form;
}

decision_form::Outcome outcome_of(const DecisionOutcome& outcome) {
  return {.state = state_of(outcome),
          .error = outcome.error,
          .model = outcome.model,
          .degraded = outcome.degraded,
          .ttft_ms = outcome.ttft.count(),
          .tps = rounded(outcome.speed.value, 100),
          .prompt_tokens = outcome.prompt_tokens,
          .cached_prompt_tokens = outcome.cached_prompt_tokens,
          .answer_tokens = outcome.answer_tokens,
          .regenerations = outcome.regenerations};
}

decision_form::Triage triage_of(const TriageOutcome& outcome) {
  std::optional<double> yes;
  if (outcome.yes) yes = rounded(*outcome.yes, 1e4);
  return {outcome.model, outcome.boundary == 0 ? "medium" : "complex", yes, outcome.changed, outcome.time.count()};
}

decision_form::Cascade cascade_of(const CascadeTry& cascade) {
  decision_form::Cascade form{.small = cascade.plan.small,
                              .large = cascade.plan.large,
                              .expected_cost_ms = cascade.plan.expected_cost.count(),
                              .expected_saving_ms = cascade.plan.expected_saving.count(),
                              .verdict = "open",
                              .reason = {}};
  if (!cascade.outcome) return form;
  form.verdict = cascade.outcome->escalated ? "escalated" : "kept";
  form.reason = cascade.outcome->reason;
  form.confidence = rounded(cascade.outcome->confidence, 1e4);
  form.tokens = cascade.outcome->tokens;
  form.cost_ms = cascade.outcome->time.count();
  return form;
}

std::string to_json(const decision_form::DecisionForm& form) {
  std::string text;
  if (glz::write<EscapedJson{}>(form, text)) return "{}";
  return text;
}

}  // namespace

std::string decision_json(const selector::Decision& decision, std::string_view id, std::chrono::nanoseconds time_taken) {
  return to_json(form_of(decision, id, time_taken));
}

std::string record_json(const DecisionRecord& record) {
  decision_form::DecisionForm form = form_of(record.decision, record.id, record.time_taken);
  form.asked = record.asked;
  form.at_unix = record.at_unix;
  form.named = record.named;
  if (record.triage) form.triage = triage_of(*record.triage);
  if (record.cascade) form.cascade = cascade_of(*record.cascade);
  form.outcome = outcome_of(record.outcome);
  return to_json(form);
}

std::string report_json(const std::vector<ModelReport>& reports) {
  std::string text;
  if (glz::write<EscapedJson{}>(reports, text)) return "[]";
  return text;
}

}  // namespace pensieve::api
