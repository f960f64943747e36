// SmartModelSelector's decision: which model answers, what became of every candidate, and why.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "selector/assessment.h"
#include "selector/fleet.h"

namespace pensieve::selector {

enum class Verdict : std::uint8_t {
  kChosen,
  kPossible,    // could answer, another is better here
  kTooSlow,     // below the required tokens per second
  kTooLate,     // beyond the required time to the first token
  kDoesNotFit,  // memory
  kContextTooLong,
  kLacksTools,
  kLacksImages,
  kLacksJson,
  kFailed,    // does not load
  kNotAsked,  // the request names another model
};
std::string_view to_string(Verdict verdict);  // "chosen"

struct CandidateDecision {
  std::string model;
  Verdict verdict = Verdict::kPossible;
  double score = 0;    // worth here; comparable within one decision only
  double success = 0;  // 0..1: estimated probability of a good answer
  std::chrono::milliseconds expected_ttft{0};
  TokensPerSecond expected_speed;
  std::string reason;
};

struct Decision {
  std::optional<std::size_t> chosen;          // index into candidates
  std::vector<CandidateDecision> candidates;  // in the order of the snapshot
  Assessment task;
  Requirement requirement;
  bool degraded = false;            // less than required: a contract could not be kept, or shorter context
  std::string shortfall;            // that in words ("about 12.0 tok/s, 40.0 were required"); empty: nothing
  std::string reason;               // one sentence on the choice
  std::vector<std::string> others;  // for a named model: those that could answer instead, best first
  std::vector<std::string> steps;   // what has to happen first: "evict a", "load b with less context"

  // The chosen model's id; empty: none.
  [[nodiscard]] const std::string& model() const;
};

// Pure and deterministic: equal scores go to the better role, then to the first id in the alphabet. A
// model that did not load is taken where no other is left, so that its load is tried again.
Decision decide(const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet, const SelectorPolicy& policy);

// For a request that names a model: that one or none, with the others' verdicts as "not asked".
Decision decide_fixed(const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet, const SelectorPolicy& policy,
                      std::string_view model);

// Why nothing was chosen, as the error that the client gets: 400 for what no retry helps, 503 with
// the way out otherwise. Precondition: !decision.chosen.
Error no_model_error(const Decision& decision, const FleetSnapshot& fleet);

}  // namespace pensieve::selector
