// How much memory there is now.
#pragma once

#include "base/units.h"

namespace pensieve {

struct MemoryReading {
  Bytes total;
  Bytes available;  // for new allocations without swapping, within the control group's limit
};

// Source of readings; the machine's own or a recorded one.
class MemoryProbe {
 public:
  virtual ~MemoryProbe() = default;
  [[nodiscard]] virtual MemoryReading read() const = 0;
};

// The running machine: Linux /proc/meminfo and cgroup v2 limits, macOS host statistics. Zeros if
// the system does not tell.
class SystemMemoryProbe final : public MemoryProbe {
 public:
  [[nodiscard]] MemoryReading read() const override;
};

}  // namespace pensieve
