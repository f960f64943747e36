#include "monitor/breach.h"

#include <algorithm>
#include <format>

namespace pensieve::monitor {
namespace {

// Distances from the limits that recovery keeps.
constexpr double kCalmPercent = 5;
constexpr double kCalmCelsius = 3;
constexpr double kCalmFree = 1.25;
constexpr double kCalmSwap = 0.5;
constexpr double kCalmSpeed = 1.2;

struct Limits {
  double memory_percent;
  double free_factor;
  double swap;
  double cooler;
  double speed;
};

class Judge {
 public:
  Judge(const Signals& signals, const MonitorPolicy& policy, const Limits& limits, bool smoothed)
      : signals_(signals), policy_(policy), limits_(limits), smoothed_(smoothed) {}

  Wish judge() {
    judge_memory();
    judge_heat();
    if (const auto speed = value(SignalKind::kSpeed); speed && *speed < limits_.speed) {
      add(Level::kDowngrade, SignalKind::kSpeed, std::format("answers come at {:.1f} tok/s, below {:.0f}", *speed, limits_.speed));
    }
    std::ranges::stable_sort(wish_.breaches, std::greater{}, &Breach::level);
    if (!wish_.breaches.empty()) wish_.level = wish_.breaches.front().level;
    return std::move(wish_);
  }

 private:
  [[nodiscard]] std::optional<double> value(SignalKind kind) const { return smoothed_ ? signals_.smoothed(kind) : signals_.value(kind); }
  void add(Level level, SignalKind signal, std::string reason) { wish_.breaches.push_back({level, signal, std::move(reason)}); }

  void judge_memory() {
    if (const auto free = value(SignalKind::kMemoryFree)) judge_free(*free);
    if (const auto percent = value(SignalKind::kMemoryPercent); percent && *percent > limits_.memory_percent) {
      add(Level::kDowngrade, SignalKind::kMemoryPercent,
          std::format("memory {:.0f} % used, over {:.0f} %", *percent, limits_.memory_percent));
    }
    if (const auto swap = value(SignalKind::kSwap); swap && *swap > limits_.swap) {
      add(Level::kDowngrade, SignalKind::kSwap, std::format("{:.0f} pages/s swapped, over {:.0f}", *swap, limits_.swap));
    }
    if (const auto pressure = value(SignalKind::kPressure); pressure && *pressure >= 1) {
      const bool critical = *pressure >= 2;
      add(critical ? Level::kDowngrade : Level::kShrink, SignalKind::kPressure,
          std::format("the system reports {} memory pressure", critical ? "critical" : "raised"));
    }
    if (const auto stall = value(SignalKind::kStall); stall && *stall > policy_.throttle_stall_percent) {
      add(Level::kThrottle, SignalKind::kStall, std::format("programs wait for memory {:.0f} % of the time", *stall));
    }
  }

  void judge_free(double free) {
    struct Step {
      Level level;
      Bytes limit;
    };
    for (const Step& step : {Step{Level::kEmergency, policy_.emergency_free}, Step{Level::kCritical, policy_.critical_free},
                             Step{Level::kShrink, policy_.shrink_free}}) {
      const Bytes limit = scaled_free(step.limit, signals_.memory_total());
      if (free >= static_cast<double>(limit.value) * limits_.free_factor) continue;
      const Bytes now{static_cast<std::int64_t>(free)};
      return add(step.level, SignalKind::kMemoryFree, std::format("{} of memory free, below {}", to_text(now), to_text(limit)));
    }
  }

  void judge_heat() {
    if (const auto degrees = value(SignalKind::kTemperature)) {
      const double warm = policy_.throttle_temperature.value - limits_.cooler;
      const double hot = policy_.downgrade_temperature.value - limits_.cooler;
      if (*degrees > warm) {
        add(*degrees > hot ? Level::kDowngrade : Level::kThrottle, SignalKind::kTemperature,
            std::format("{:.0f} C, over {:.0f}", *degrees, *degrees > hot ? hot : warm));
      }
    }
    if (const auto level = value(SignalKind::kThermalLevel); level && *level >= 1) {
      add(*level >= 2 ? Level::kDowngrade : Level::kThrottle, SignalKind::kThermalLevel,
          *level >= 2 ? "the system slows down for heat" : "the system reports moderate heat");
    }
  }

  const Signals& signals_;
  const MonitorPolicy& policy_;
  const Limits& limits_;
  bool smoothed_;
  Wish wish_;
};

}  // namespace

std::string Wish::reason() const {
  std::string text;
  for (const Breach& breach : breaches) {
    if (breach.level == level) text += (text.empty() ? "" : "; ") + breach.reason;
  }
  return text;
}

bool Wish::about(SignalKind signal) const { return std::ranges::contains(breaches, signal, &Breach::signal); }

bool about_memory(const Wish& wish) {
  using enum SignalKind;
  return wish.about(kMemoryPercent) || wish.about(kMemoryFree) || wish.about(kSwap) || wish.about(kPressure);
}

Wish assess(const Signals& signals, const MonitorPolicy& policy) {
  const Limits limits{policy.downgrade_memory_percent, 1, policy.downgrade_swap_pages, 0, policy.downgrade_speed.value};
  return Judge(signals, policy, limits, false).judge();
}

Wish assess_recovery(const Signals& signals, const MonitorPolicy& policy) {
  const Limits limits{policy.downgrade_memory_percent - kCalmPercent, kCalmFree, policy.downgrade_swap_pages * kCalmSwap, kCalmCelsius,
                      policy.downgrade_speed.value * kCalmSpeed};
  return Judge(signals, policy, limits, true).judge();
}

Bytes scaled_free(Bytes normal, std::optional<Bytes> total) {
  // 2 GB are an eighth of 16 GB; 1 GB and 0.5 GB follow.
  constexpr std::int64_t kDesignMemory = 16'000'000'000;
  if (!total || total->value >= kDesignMemory) return normal;
  return Bytes{static_cast<std::int64_t>(static_cast<double>(normal.value) * static_cast<double>(total->value) / kDesignMemory)};
}

}  // namespace pensieve::monitor
