// The running machine: what it is and how it feels now.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/units.h"

namespace pensieve {

// How short of memory the system itself says that it is.
enum class MemoryPressure : std::uint8_t { kUnknown, kNormal, kWarning, kCritical };

// All that is not told is empty or zero.
struct MachineReading {
  Bytes memory_total;
  Bytes memory_available;  // within a control group's limit
  Bytes swap_total;
  Bytes swap_free;
  std::optional<std::int64_t> swapped_pages;  // in and out since start
  MemoryPressure pressure = MemoryPressure::kUnknown;
  std::optional<double> stall_percent;  // time that tasks waited for memory, last 10 s
  std::optional<Celsius> temperature;   // the hottest of CPU and GPU
  std::optional<int> thermal_level;     // 0 nominal, 1 moderate, 2 heavy, 3 and up: throttled
  Bytes gpu_total;                      // of a card of its own
  Bytes gpu_free;
  Bytes gpu_working_set;  // most that the GPU should hold of shared memory
  // Pages that are mapped from files count as available even while they are in use.
  bool mapped_files_are_available = false;
};

struct MachineIdentity {
  std::string cpu;  // "Apple M1 Pro", "AMD EPYC ..."
  int cores = 0;
  Bytes memory;
  bool unified = false;
  bool tiles = false;  // the CPU has matrix instructions (AMX) whose kernels keep weights in tiles of their own
  // Stable for a machine and what changes its speed; keys measurements.
  [[nodiscard]] std::string fingerprint() const;
};

// Takes readings; one thread at a time. A reading takes less than a millisecond.
class MachineProbe {
 public:
  virtual ~MachineProbe() = default;
  [[nodiscard]] virtual MachineReading read() = 0;
  [[nodiscard]] virtual MachineIdentity identity() const = 0;
};

// The machine that this runs on.
std::unique_ptr<MachineProbe> system_probe();

}  // namespace pensieve
