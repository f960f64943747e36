// The thresholds of PerformanceMonitor. The defaults are the design document's; what it does not say
// (dwell, cool-down, prediction) is chosen so that nothing oscillates.
#pragma once

#include <chrono>

#include "base/units.h"

namespace pensieve::monitor {

struct MonitorPolicy {
  using Milliseconds = std::chrono::milliseconds;

  // A breach of one of these asks for a smaller model.
  double downgrade_memory_percent = 85;
  double downgrade_swap_pages = 100;  // a second
  Celsius downgrade_temperature{85};
  TokensPerSecond downgrade_speed{5};

  // A larger model comes back only below these, and only if the prediction at that model keeps a
  // distance from the limits above: `memory_reserve_percent`, and `speed_reserve` times the speed.
  double upgrade_memory_percent = 60;  // used by others than our models
  Celsius upgrade_temperature{70};
  TokensPerSecond upgrade_speed{20};  // measured now; slower is fine where the prediction is known
  double memory_reserve_percent = 3;
  double speed_reserve = 1.5;

  // Free memory; on a machine below 16 GB an eighth, a sixteenth and a thirty-second of it.
  Bytes shrink_free = gigabytes(2);
  Bytes critical_free = gigabytes(1);
  Bytes emergency_free{500'000'000};

  // From here on speed is taken back, all of it that can be at `downgrade_temperature`.
  Celsius throttle_temperature{75};
  double throttle_stall_percent = 10;  // time that tasks wait for memory

  // A breach must last this long before it counts: less than 3 s with two readings a second, and
  // longer than any single reading.
  Milliseconds dwell{1900};
  Milliseconds critical_dwell{900};
  // Without a breach for this long, and so long after the last change, things get better again.
  Milliseconds recovery{10'000};
  Milliseconds cooldown{60'000};
  // An upgrade that was followed by a downgrade within `regret` doubles the cool-down of the next one.
  Milliseconds regret{300'000};
  Milliseconds longest_cooldown{960'000};

  Milliseconds smoothing{5'000};     // time constant of what is shown and of what recovery looks at
  Milliseconds stale_after{10'000};  // an older reading is unknown
};

}  // namespace pensieve::monitor
