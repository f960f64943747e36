// What a step costs that decodes a few tokens, in sequences of their own or ahead in one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "engine/step_cost.h"

namespace pensieve::engine {

// Medians of the last steps of each number of tokens, so that one step that the machine was late with counts for
// nothing. What is older than kFresh does not count: the text has grown since, or other programs have come
// or gone. So what was too slow once is tried again now and then.
class DecodeTimes {
 public:
  using Duration = StepCost::Duration;
  static constexpr std::chrono::seconds kFresh{20};
  static constexpr std::size_t kMostTokens = 64;

  // A step of `tokens` that was done at `now`; more than kMostTokens are left out.
  void record(std::size_t tokens, Duration took, SteadyTime now);

  // What a step of `tokens` would take: measured, or between the nearest numbers that are. Beyond all of them
  // each further token is expected to cost what it does in a long prompt, `prompt_token`: the least that it
  // can, so that it is tried. 0: nothing is known.
  [[nodiscard]] Duration estimate(std::size_t tokens, Duration prompt_token, SteadyTime now) const;

 private:
  struct Sample {
    Duration took{};
    SteadyTime at;
  };
  [[nodiscard]] std::optional<Duration> measured(std::size_t tokens, SteadyTime now) const;

  std::vector<std::vector<Sample>> samples_;  // by tokens; the oldest first
};

}  // namespace pensieve::engine
