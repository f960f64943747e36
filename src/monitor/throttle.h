// How much of its speed the server gives up so that the machine stays cool: smoothly, and before the
// system throttles in its own, coarser way. Pure.
#pragma once

#include <cstdint>

#include "monitor/level.h"
#include "monitor/policy.h"
#include "monitor/signals.h"

namespace pensieve::monitor {

// What a worker may do. `full` figures are the configured ones.
struct ThrottlePlan {
  std::int32_t threads_percent = 100;  // of the threads
  std::int32_t batch_percent = 100;    // of the tokens of one prompt chunk
  std::int32_t pause_percent = 0;      // pause after a step, of that step's time
  std::int32_t active_percent = 100;   // of the requests that run side by side
  bool operator==(const ThrottlePlan&) const = default;
};

// 0: cool; 1: as hot as it may become. From the temperature or, without one, the system's own level.
double heat_of(const Signals& signals, const MonitorPolicy& policy);

// Changes in eight steps; `before` is the plan in force: a step back is taken only when the heat has
// fallen by half a step more than it had risen, so that the plan does not flicker.
ThrottlePlan throttle_plan(double heat, Level level, const ThrottlePlan& before);

}  // namespace pensieve::monitor
