// What one model is worth for one request.
#pragma once

#include "selector/decision.h"

namespace pensieve::selector {

// Fills success, expected speed and time, the score, and the verdict of what excludes the model
// outright (capability, context, memory, failure); contracts on speed are not looked at.
CandidateDecision appraise(const Assessment& task, const Requirement& requirement, const FleetModel& model, const MachineFeeling& machine,
                           const SelectorPolicy& policy);

// kTooSlow or kTooLate if the model breaks a contract of `requirement`, else kPossible.
Verdict contract_verdict(const CandidateDecision& candidate, const Requirement& requirement);

}  // namespace pensieve::selector
