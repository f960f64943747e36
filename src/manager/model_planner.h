// Plans and predictions for the installed models on this machine: memory/ applied to the catalog, the
// configuration and what was measured.
#pragma once

#include <chrono>
#include <cstdint>

#include "catalog/model_directory.h"
#include "config/config.h"
#include "machine/machine_probe.h"
#include "manager/performance_ledger.h"
#include "memory/plan.h"
#include "memory/speed.h"

namespace pensieve {

// What to expect of a model.
struct Forecast {
  TokensPerSecond decode;
  TokensPerSecond prefill;
  bool measured = false;  // false: predicted from the file's shape alone
  std::chrono::milliseconds load_time{0};
};

// On the supervisor's loop only; probe and ledger outlive it.
class ModelPlanner {
 public:
  ModelPlanner(const Config& config, MachineProbe& probe, const PerformanceLedger& ledger);

  // The machine as it is now, with nothing of what is loaded accounted for (plan_room does that).
  [[nodiscard]] memory::MachineState machine() const;
  // What the machine is, with the kernel speeds that were measured on it.
  [[nodiscard]] const MachineProfile& profile() const { return profile_; }

  // How the model is to be opened on a machine in that state: the configured context and cache type
  // where they fit, else less. A cache type that was configured by hand stays.
  [[nodiscard]] memory::Plan plan(const InstalledModel& model, const memory::MachineState& machine) const;

  // The context that `plan` aims at.
  [[nodiscard]] std::int64_t wished_context(const InstalledModel& model) const;

  // Speeds with `depth` tokens in the cache; measured ones where there are any, moved to that depth by
  // the prediction.
  [[nodiscard]] Forecast forecast(const InstalledModel& model, memory::CacheType cache, std::int64_t depth) const;

  // Of the plan's memory: what is mapped from the file and so still counts as available when loaded.
  [[nodiscard]] Bytes mapped_part(const InstalledModel& model, const memory::ModelMemory& memory) const;

 private:
  [[nodiscard]] TokensPerSecond corrected(const InstalledModel& model, store::MeasurementKind kind, memory::CacheType cache,
                                          std::int64_t depth, bool& measured) const;

  EngineConfig engine_;
  memory::MemoryPolicy policy_;
  bool cache_is_fixed_;
  MachineProbe& probe_;
  const PerformanceLedger& ledger_;
  MachineIdentity identity_;
  bool mapped_counts_as_available_;
  MachineProfile profile_;
};

// In words, what `plan` gives less than `wished_context` tokens in f16 (GenerationStream::degraded); empty: nothing.
std::string reduction_words(const memory::Plan& plan, std::int64_t wished_context, memory::CacheType wished_cache);

}  // namespace pensieve
