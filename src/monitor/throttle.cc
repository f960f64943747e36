#include "monitor/throttle.h"

#include <algorithm>
#include <cmath>

namespace pensieve::monitor {
namespace {

constexpr int kSteps = 8;
// At full heat: half of the threads, a quarter of the chunk, and 60 % of the time at work.
constexpr int kThreadsGivenUp = 50;
constexpr int kBatchGivenUp = 75;
constexpr int kLongestPause = 66;

ThrottlePlan plan_of_step(int step) {
  return {.threads_percent = 100 - kThreadsGivenUp * step / kSteps,
          .batch_percent = 100 - kBatchGivenUp * step / kSteps,
          .pause_percent = kLongestPause * step / kSteps,
          .active_percent = 100};
}

int step_of(const ThrottlePlan& plan) {
  return static_cast<int>(std::lround(static_cast<double>(plan.pause_percent) * kSteps / kLongestPause));
}

}  // namespace

double heat_of(const Signals& signals, const MonitorPolicy& policy) {
  const double from = policy.throttle_temperature.value;
  const double to = policy.downgrade_temperature.value;
  double heat = 0;
  if (const auto degrees = signals.smoothed(SignalKind::kTemperature); degrees && to > from) {
    heat = std::clamp((*degrees - from) / (to - from), 0.0, 1.0);
  }
  if (const auto level = signals.value(SignalKind::kThermalLevel)) heat = std::max(heat, std::clamp(*level * 0.5, 0.0, 1.0));
  return heat;
}

ThrottlePlan throttle_plan(double heat, Level level, const ThrottlePlan& before) {
  const int now = step_of(before);
  const double steps = heat * kSteps;
  int step = std::clamp(static_cast<int>(std::ceil(steps - 0.25)), 0, kSteps);
  if (step < now && steps > 0) step = std::min(now, static_cast<int>(std::ceil(steps + 0.5)));
  ThrottlePlan plan = plan_of_step(step);
  if (level >= Level::kShrink) plan.active_percent = 50;
  return plan;
}

}  // namespace pensieve::monitor
