// Time comes in from outside, so that logic can be tested with a clock that the test moves.
#pragma once

#include <chrono>

namespace pensieve {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

// Source of time. Implementations may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime steady_now() const = 0;  // for durations
  [[nodiscard]] virtual WallTime wall_now() const = 0;      // for timestamps shown to people
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall_now() const override { return std::chrono::system_clock::now(); }
};

// A clock for tests; stands still until advanced.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime steady_now() const override { return SteadyTime{elapsed_}; }
  [[nodiscard]] WallTime wall_now() const override {
    return WallTime{std::chrono::seconds(1'700'000'000)} + std::chrono::duration_cast<WallTime::duration>(elapsed_);
  }
  void advance(std::chrono::nanoseconds by) { elapsed_ += by; }

 private:
  std::chrono::nanoseconds elapsed_{0};
};

}  // namespace pensieve
