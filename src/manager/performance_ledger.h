// What the models of this machine were measured to do, for predictions and for people.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/units.h"
#include "generation/event.h"
#include "machine/profile.h"
#include "store/measurements.h"

namespace pensieve {

// A measured figure and the depth (tokens in the cache, or the context) where it was measured.
struct Measured {
  double value = 0;
  std::int64_t depth = 0;
  int samples = 0;
};

// On one thread. Writes are small and without a flush of the disk; one that fails is logged once and
// nobody else notices. What was read is kept until it changes here.
class PerformanceLedger {
 public:
  // `database` null: figures live as long as this object. `machine`: the fingerprint of the machine
  // and of what else changes speed (machine_key).
  PerformanceLedger(std::unique_ptr<store::Database> database, std::string machine, const Clock& clock);

  // An answer that had the machine to itself. Too short ones tell nothing and are left out.
  void note_answer(const std::string& model, std::string_view setting, const Usage& usage, const Timings& timings);
  void note(const std::string& model, store::MeasurementKind kind, std::string_view setting, std::int64_t depth, double value);

  // The figure measured nearest to `depth`.
  [[nodiscard]] std::optional<Measured> find(const std::string& model, store::MeasurementKind kind, std::string_view setting,
                                             std::int64_t depth) const;

  // Puts the kernel speeds that were measured on this machine into its profile.
  void apply_kernels(MachineProfile& profile) const;
  Result<void> keep_kernels(const MachineProfile& measured);

 private:
  std::unique_ptr<store::Database> database_;
  std::string machine_;
  mutable store::Measurements measurements_;
  mutable std::map<std::string, std::optional<Measured>, std::less<>> read_;
  mutable bool failed_ = false;
};

// Speeds depend on the threads too.
std::string machine_key(std::string_view fingerprint, std::int32_t threads);

}  // namespace pensieve
