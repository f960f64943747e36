// How many guessed tokens of each stream the next step tries.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "engine/step_cost.h"

namespace pensieve::engine {

// What a step of so many tokens is expected to take; 0: not known.
using StepTime = std::function<StepCost::Duration(std::size_t tokens)>;

// For each stream of a step that decodes all of them: the first n of its guesses. `chances`: of each stream, that
// the guess comes and all before it. Chosen so that the step as a whole gives the most tokens a second, if
// that is more than without guesses by more than the measurements' noise, and under two conditions: no stream
// gets slower than without them by more than a tenth (one that has no guess of its own waits longer for its
// token), and the step stays short enough that a stream's pieces follow each other without a gap. At most
// `most_tokens` in all, the streams' next tokens included.
std::vector<std::size_t> plan_drafts(std::span<const std::vector<double>> chances, std::size_t most_tokens, const StepTime& time);

}  // namespace pensieve::engine
