// Whose turn it is where requests use different sets of adapters: a step computes one set.
#pragma once

#include <cstdint>
#include <span>

#include "base/clock.h"

namespace pensieve::engine {

// A request that could take part in the next step.
struct AdapterCandidate {
  std::uint64_t key = 0;  // of the set that its next tokens need
  SteadyTime stepped;     // when it last took part
};

// Sets take turns. One keeps its turn for kTurn, since a change costs a little, and while no other
// waits; then the request that has waited longest decides. So with n sets a request waits for at most
// n - 1 turns, each of kTurn and the step in which that ran out.
class AdapterTurn {
 public:
  static constexpr std::chrono::milliseconds kTurn{30};

  // The set of the next step; `candidates` is not empty.
  std::uint64_t next(std::span<const AdapterCandidate> candidates, SteadyTime now);

 private:
  std::uint64_t current_ = 0;
  SteadyTime began_;
};

}  // namespace pensieve::engine
