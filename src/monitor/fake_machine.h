// A machine for tests that feels as the test says, read twice a second.
#pragma once

#include <string>
#include <vector>

#include "monitor/monitor.h"

namespace pensieve::monitor {

// 16 GB, calm: 40 % used, 50 C, nothing being written.
class FakeMachine {
 public:
  explicit FakeMachine(MonitorPolicy policy = {}) : monitor(policy) {
    sample.source = "test";
    sample.memory_total = gigabytes(16);
    sample.temperature = Celsius{50};
    sample.swap_pages_per_second = 0;
    use_percent(40);
  }

  void use_percent(double percent) { sample.memory_available = Bytes{static_cast<std::int64_t>(16e9 * (1 - percent / 100))}; }

  // Reads for this long; the changes meanwhile.
  std::vector<Change> run(std::chrono::milliseconds time, std::chrono::milliseconds step = std::chrono::milliseconds(500)) {
    std::vector<Change> changes;
    for (const SteadyTime end = sample.at + time; sample.at < end;) {
      sample.at += step;
      if (auto change = monitor.update(sample, Ladder(models))) changes.push_back(*std::move(change));
    }
    return changes;
  }

  std::vector<LadderModel> models = {{.id = "small", .footprint = gigabytes(1), .expected = {40}},
                                     {.id = "middle", .footprint = gigabytes(3), .expected = {20}},
                                     {.id = "large", .footprint = gigabytes(6), .expected = {10}, .in_use = true}};
  Sample sample;
  PerformanceMonitor monitor;
};

}  // namespace pensieve::monitor
