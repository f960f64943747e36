// When something that failed may be tried again.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace pensieve {

// Waits twice as long after each failure in a row, within bounds.
class Backoff {
 public:
  explicit constexpr Backoff(std::chrono::seconds first = std::chrono::seconds(10), std::chrono::seconds longest = std::chrono::minutes(10))
      : first_(first), longest_(longest) {}

  void failed(SteadyTime now) { until_ = now + delay(++failures_); }
  // As failed(), but the first failure in a row may be bad luck: it may be tried again at once.
  void stumbled(SteadyTime now) { until_ = now + delay(failures_++); }
  void succeeded() {
    failures_ = 0;
    until_ = {};
  }

  [[nodiscard]] bool waits(SteadyTime now) const { return now < until_; }
  // Whole seconds until the next try, rounded up; 0: now.
  [[nodiscard]] std::chrono::seconds left(SteadyTime now) const {
    return waits(now) ? std::chrono::ceil<std::chrono::seconds>(until_ - now) : std::chrono::seconds(0);
  }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  [[nodiscard]] std::chrono::seconds delay(int failures) const {
    if (failures == 0) return std::chrono::seconds(0);
    return std::min(longest_, first_ * (std::int64_t{1} << std::min(failures - 1, 20)));
  }

  std::chrono::seconds first_;
  std::chrono::seconds longest_;
  int failures_ = 0;  // in a row
  SteadyTime until_{};
};

}  // namespace pensieve
