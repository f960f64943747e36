#include "monitor/score.h"

#include <algorithm>

namespace pensieve::monitor {

std::optional<double> score(const Signals& signals) {
  double sum = 0;
  int known = 0;
  const auto add = [&](double term) {
    sum += std::clamp(term, 0.0, 1.0);
    ++known;
  };
  if (const auto speed = signals.smoothed(SignalKind::kSpeed)) add(*speed / 20);
  if (const auto memory = signals.smoothed(SignalKind::kMemoryPercent)) add(1 - *memory / 100);
  if (const auto degrees = signals.smoothed(SignalKind::kTemperature)) add(1 - std::max(0.0, (*degrees - 60) / 30));
  return known > 0 ? std::optional(sum / known) : std::nullopt;
}

}  // namespace pensieve::monitor
