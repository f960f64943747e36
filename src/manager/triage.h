// The one short question that a small model is asked about a request whose class is in doubt.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "manager/service.h"
#include "selector/tiers.h"

namespace pensieve {

// `request`'s task in a frame that asks for yes or no; one token, greedy, with probabilities. Shows at
// most about 1.2 KB of the task.
GenerationRequest triage_question(const GenerationRequest& request, const selector::TriagePlan& plan);

// Probability of yes among yes and no, from the first token's alternatives; empty if the model says
// neither.
std::optional<double> yes_probability(const TokenLogprobs& first);

// Asks, and gives up after `limit`; the same for a model that is not ready at once. Empty: no answer.
boost::asio::awaitable<std::optional<double>> ask_yes_no(GenerationService& service, GenerationRequest question, const Clock& clock,
                                                         std::chrono::milliseconds limit);

}  // namespace pensieve
