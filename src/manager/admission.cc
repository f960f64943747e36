#include "manager/admission.h"

#include <algorithm>

namespace pensieve {

AdmissionBounds admission_bounds(monitor::Level level, std::int64_t parallel, std::int64_t queue) {
  using enum monitor::Level;
  if (level >= kCritical) return {};
  const std::int64_t divisor = level >= kDowngrade ? 4 : level >= kThrottle ? 2 : 1;
  const std::int64_t waiting = queue / divisor;
  return {.interactive = parallel + waiting, .batch = parallel + waiting / 2};
}

std::chrono::seconds retry_after(std::int64_t open, std::int64_t bound, std::int64_t parallel, std::chrono::milliseconds answer_time) {
  constexpr std::int64_t kLongest = 600;
  const std::int64_t before = std::max<std::int64_t>(1, open - bound + 1);
  const std::int64_t rounds = (before + std::max<std::int64_t>(1, parallel) - 1) / std::max<std::int64_t>(1, parallel);
  return std::chrono::seconds(std::clamp<std::int64_t>((rounds * answer_time.count() + 999) / 1000, 1, kLongest));
}

}  // namespace pensieve
