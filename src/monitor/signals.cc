#include "monitor/signals.h"

#include <cmath>
#include <format>
#include <utility>

namespace pensieve::monitor {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, kSignalCount> kNames = {{{"memory_percent", "percent"},
                                                                                             {"memory_free", "bytes"},
                                                                                             {"swap", "pages_per_second"},
                                                                                             {"stall", "percent"},
                                                                                             {"pressure", "level"},
                                                                                             {"temperature", "celsius"},
                                                                                             {"thermal_level", "level"},
                                                                                             {"speed", "tokens_per_second"}}};

// A running processor is neither colder nor hotter.
constexpr double kColdest = 1;
constexpr double kHottest = 125;
// A hot sensor that does not move for this long while the system calls itself cool is stuck.
constexpr std::chrono::seconds kStuck{60};

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string_view to_string(SignalKind kind) { return kNames[static_cast<std::size_t>(kind)].first; }
std::string_view unit_of(SignalKind kind) { return kNames[static_cast<std::size_t>(kind)].second; }

void Signals::add(const Sample& sample) {
  now_ = sample.at;
  add_memory(sample);
  add_swap(sample);
  set(SignalKind::kStall, sample.stall_percent, sample);
  set(SignalKind::kPressure, sample.pressure, sample);
  set(SignalKind::kThermalLevel, sample.thermal_level, sample);
  add_temperature(sample);
  set(SignalKind::kSpeed, sample.speed ? std::optional(sample.speed->value) : std::nullopt, sample);
  // An answer that ended says nothing about now.
  if (!sample.speed) signals_[static_cast<std::size_t>(SignalKind::kSpeed)] = {.source = sample.source, .at = sample.at};
}

void Signals::set(SignalKind kind, std::optional<double> value, const Sample& sample) {
  Signal& signal = signals_[static_cast<std::size_t>(kind)];
  if (value && !std::isfinite(*value)) value.reset();
  if (!value) {
    if (sample.at - signal.at > policy_.stale_after) signal.value = signal.smoothed = std::nullopt;
    return;
  }
  const double passed = seconds(sample.at - signal.at);
  const double share = signal.smoothed ? 1 - std::exp(-passed / seconds(policy_.smoothing)) : 1;
  signal.smoothed = signal.smoothed.value_or(*value) * (1 - share) + *value * share;
  signal.value = value;
  signal.source = sample.source;
  signal.at = sample.at;
  signal.note.clear();
}

void Signals::disbelieve(SignalKind kind, std::string why) {
  Signal& signal = signals_[static_cast<std::size_t>(kind)];
  signal.value = signal.smoothed = std::nullopt;
  signal.note = std::move(why);
}

void Signals::add_memory(const Sample& sample) {
  std::optional<double> percent;
  std::optional<double> free;
  if (sample.memory_total && sample.memory_total->value > 0) memory_total_ = sample.memory_total;
  if (memory_total_ && sample.memory_available) {
    const auto total = static_cast<double>(memory_total_->value);
    const auto available = static_cast<double>(sample.memory_available->value);
    if (available < 0 || available > total) {
      const std::string why = std::format("{} free of {} can't be", to_text(*sample.memory_available), to_text(*memory_total_));
      disbelieve(SignalKind::kMemoryPercent, why);
      return disbelieve(SignalKind::kMemoryFree, why);
    }
    percent = 100 * (1 - available / total);
    free = available;
  }
  set(SignalKind::kMemoryPercent, percent, sample);
  set(SignalKind::kMemoryFree, free, sample);
}

void Signals::add_swap(const Sample& sample) {
  std::optional<double> rate = sample.swap_pages_per_second;
  if (rate && *rate < 0) rate.reset();
  if (sample.swapped_pages) {
    const double passed = seconds(sample.at - last_swapped_at_);
    // A counter that runs backwards began anew.
    if (!rate && last_swapped_ && passed > 0 && *sample.swapped_pages >= *last_swapped_) {
      rate = static_cast<double>(*sample.swapped_pages - *last_swapped_) / passed;
    }
    last_swapped_ = sample.swapped_pages;
    last_swapped_at_ = sample.at;
  }
  set(SignalKind::kSwap, rate, sample);
}

void Signals::add_temperature(const Sample& sample) {
  if (!sample.temperature) return set(SignalKind::kTemperature, std::nullopt, sample);
  const double degrees = sample.temperature->value;
  if (!(degrees >= kColdest && degrees <= kHottest)) {
    return disbelieve(SignalKind::kTemperature, std::format("{:.0f} C can't be", degrees));
  }
  if (last_temperature_ != degrees) {
    last_temperature_ = degrees;
    temperature_since_ = sample.at;
  }
  const bool cool = sample.thermal_level.value_or(1) == 0;
  if (cool && degrees > policy_.throttle_temperature.value && sample.at - temperature_since_ >= kStuck) {
    return disbelieve(SignalKind::kTemperature, std::format("stuck at {:.0f} C while the system calls itself cool", degrees));
  }
  set(SignalKind::kTemperature, degrees, sample);
}

}  // namespace pensieve::monitor
