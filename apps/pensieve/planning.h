// What the plans of this machine are made from: probe, ledger and planner, as the configuration has them.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/paths.h"
#include "config/config.h"
#include "machine/machine_probe.h"
#include "manager/model_planner.h"
#include "manager/performance_ledger.h"

namespace pensieve {

// The ledger's file in the data folder, if it can be opened; else, with a warning, memory. Where there is
// no file, none is made unless `create`.
PerformanceLedger open_performance_ledger(const Paths& paths, const Config& config, const MachineIdentity& machine, const Clock& clock,
                                          bool create);

// All parts together, for a process that plans.
class Planning {
 public:
  Planning(const Paths& paths, const Config& config, const Clock& clock, bool create_ledger)
      : probe_(system_probe()),
        ledger_(open_performance_ledger(paths, config, probe_->identity(), clock, create_ledger)),
        planner_(config, *probe_, ledger_) {}

  [[nodiscard]] MachineProbe& probe() { return *probe_; }
  [[nodiscard]] PerformanceLedger& ledger() { return ledger_; }
  [[nodiscard]] const ModelPlanner& planner() const { return planner_; }

 private:
  std::unique_ptr<MachineProbe> probe_;
  PerformanceLedger ledger_;
  ModelPlanner planner_;
};

}  // namespace pensieve
