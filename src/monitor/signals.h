// What the sensors say, each value with its source and age. What is not told is unknown, never zero.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/units.h"
#include "monitor/policy.h"

namespace pensieve::monitor {

// One reading of everything. Whatever the machine does not tell is empty.
struct Sample {
  SteadyTime at;
  std::string source;  // "linux", "macos", "replay", "simulation"
  std::optional<Bytes> memory_total;
  std::optional<Bytes> memory_available;
  std::optional<std::int64_t> swapped_pages;    // in and out since start; becomes a rate
  std::optional<double> swap_pages_per_second;  // where the source tells the rate itself
  std::optional<double> stall_percent;
  std::optional<int> pressure;  // the system's own word: 0 normal, 1 warning, 2 critical
  std::optional<Celsius> temperature;
  std::optional<int> thermal_level;      // 0 nominal, 1 moderate, 2 and up: throttled
  std::optional<TokensPerSecond> speed;  // of the answers under way; empty: nothing is being written
};

enum class SignalKind : std::uint8_t { kMemoryPercent, kMemoryFree, kSwap, kStall, kPressure, kTemperature, kThermalLevel, kSpeed };
inline constexpr std::size_t kSignalCount = 8;
std::string_view to_string(SignalKind kind);  // "memory_percent", the name in JSON
std::string_view unit_of(SignalKind kind);    // "percent"

struct Signal {
  std::optional<double> value;     // the latest; empty: unknown
  std::optional<double> smoothed;  // over MonitorPolicy::smoothing
  std::string source;
  SteadyTime at;     // of the value
  std::string note;  // why a value that came is not believed
};

// Takes samples in order of time. A value that can't be true (memory beyond the total, a temperature
// of a dead sensor) is unknown and says why.
class Signals {
 public:
  explicit Signals(const MonitorPolicy& policy) : policy_(policy) {}

  void add(const Sample& sample);
  [[nodiscard]] const Signal& operator[](SignalKind kind) const { return signals_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::optional<double> value(SignalKind kind) const { return (*this)[kind].value; }
  [[nodiscard]] std::optional<double> smoothed(SignalKind kind) const { return (*this)[kind].smoothed; }
  [[nodiscard]] std::optional<Bytes> memory_total() const { return memory_total_; }
  [[nodiscard]] SteadyTime now() const { return now_; }

 private:
  void set(SignalKind kind, std::optional<double> value, const Sample& sample);
  void disbelieve(SignalKind kind, std::string why);
  void add_memory(const Sample& sample);
  void add_swap(const Sample& sample);
  void add_temperature(const Sample& sample);

  MonitorPolicy policy_;
  std::array<Signal, kSignalCount> signals_;
  std::optional<Bytes> memory_total_;
  SteadyTime now_;
  std::optional<std::int64_t> last_swapped_;
  SteadyTime last_swapped_at_;
  std::optional<double> last_temperature_;
  SteadyTime temperature_since_;
};

}  // namespace pensieve::monitor
