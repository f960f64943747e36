#include "engine/step_plan.h"

#include <algorithm>

namespace pensieve::engine {
namespace {

constexpr double kAgeing = 0.5;

}  // namespace

std::vector<std::size_t> plan_step(std::span<const StepCandidate> candidates, const StepCost& cost, std::size_t batch_tokens) {
  std::vector<std::size_t> shares(candidates.size(), 0);
  std::vector<std::size_t> prompts;
  std::size_t decoding = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].pending > 1) {
      prompts.push_back(i);
    } else if (decoding < batch_tokens) {
      shares[i] = 1;
      ++decoding;
    }
  }
  const auto delay = [&](std::size_t i) { return cost.prefill_time(candidates[i].pending) - kAgeing * candidates[i].waited; };
  std::ranges::stable_sort(prompts, [&](std::size_t a, std::size_t b) {
    const auto first = delay(a);
    const auto second = delay(b);
    return first != second ? first < second : candidates[a].pending < candidates[b].pending;
  });
  std::size_t budget = cost.prefill_budget(decoding, batch_tokens);
  for (const std::size_t i : prompts) {
    shares[i] = std::min(candidates[i].pending, budget);
    budget -= shares[i];
  }
  return shares;
}

}  // namespace pensieve::engine
