// For tests: a machine that the test sets, and a planner on it that knows no measurement.
#pragma once

#include "base/clock.h"
#include "machine/machine_probe.h"
#include "manager/model_planner.h"

namespace pensieve {

class FakeMachine final : public MachineProbe {
 public:
  [[nodiscard]] MachineReading read() override { return reading; }
  [[nodiscard]] MachineIdentity identity() const override { return {.cpu = "made up", .cores = 4, .memory = reading.memory_total}; }
  MachineReading reading{.memory_total = gigabytes(16), .memory_available = gigabytes(16), .mapped_files_are_available = true};
};

struct FakePlanning {
  explicit FakePlanning(const Config& config = {}) : planner(config, machine, ledger) {}
  FakeMachine machine;
  SystemClock clock;
  PerformanceLedger ledger{nullptr, "made up", clock};
  ModelPlanner planner;
};

}  // namespace pensieve
