// The requests of a scenario, drawn by seed: the same ones for every policy.
#pragma once

#include <cstdint>
#include <vector>

#include "selector/assessment.h"
#include "selector/requirement.h"
#include "sim/scenario.h"

namespace pensieve::sim {

struct SimRequest {
  double arrival = 0;  // seconds since the start
  std::uint64_t conversation = 0;
  selector::Assessment task;  // with prompt_tokens: all that the model has to have read
  selector::Requirement requirement;
  std::int64_t answer_tokens = 0;
};

// By arrival. A conversation's messages come one after another, each with all earlier ones before it.
std::vector<SimRequest> draw_requests(const Scenario& scenario, std::uint64_t seed);

}  // namespace pensieve::sim
