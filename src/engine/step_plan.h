// Which tokens the next step computes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/step_cost.h"

namespace pensieve::engine {

// A sequence that could run in the step.
struct StepCandidate {
  std::size_t pending = 0;      // tokens not yet computed, at least 1; 1: it decodes
  StepCost::Duration waited{};  // since its last prefill began to wait
};

// Tokens of each candidate in the next step. Sequences that need a single token come first and
// always take part; what the cost allows beyond them goes to prompts, the one that is read soonest
// first. Waiting counts as half its time, so that a long prompt is overtaken but never starved.
std::vector<std::size_t> plan_step(std::span<const StepCandidate> candidates, const StepCost& cost, std::size_t batch_tokens);

}  // namespace pensieve::engine
