// From signals to the level that they ask for at this moment. Pure.
#pragma once

#include <string>
#include <vector>

#include "monitor/level.h"
#include "monitor/policy.h"
#include "monitor/signals.h"

namespace pensieve::monitor {

struct Breach {
  Level level = Level::kNormal;
  SignalKind signal = SignalKind::kMemoryPercent;
  std::string reason;  // "memory 91 % used, over 85 %"
};

struct Wish {
  Level level = Level::kNormal;
  std::vector<Breach> breaches;  // worst first; empty: all is well

  // The worst breaches' reasons in one line; empty if all is well.
  [[nodiscard]] std::string reason() const;
  [[nodiscard]] bool about(SignalKind signal) const;
};

// True if memory is what is short: its use, free bytes, swap or pressure.
bool about_memory(const Wish& wish);

// What the latest values ask for.
Wish assess(const Signals& signals, const MonitorPolicy& policy);

// The same with smoothed values and stricter limits: what must be calm before things get better.
Wish assess_recovery(const Signals& signals, const MonitorPolicy& policy);

// The free memory at which `normal` counts on a machine of this size (policy.h).
Bytes scaled_free(Bytes normal, std::optional<Bytes> total);

}  // namespace pensieve::monitor
