// The models that could answer, in order of their size, and what taking another one would do. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "monitor/policy.h"
#include "monitor/signals.h"

namespace pensieve::monitor {

struct LadderModel {
  std::string id;
  Bytes footprint;           // weights, cache and buffers
  TokensPerSecond expected;  // on a calm machine; 0: unknown
  bool resident = false;
  bool in_use = false;  // answers now, or was the last to
  Bytes mapped;         // of the footprint: counts as free memory even while it is resident
};

// What makes a model light. Where memory is short, a small one; where the machine is hot or slow, a fast
// one: it does the same work in less time, and a mixture of experts may be both large and fast.
enum class LadderOrder : std::uint8_t { kFootprint, kSpeed };

class Ladder {
 public:
  Ladder() = default;
  explicit Ladder(std::vector<LadderModel> models);

  [[nodiscard]] const std::vector<LadderModel>& models() const { return models_; }  // smallest first
  [[nodiscard]] const LadderModel* find(std::string_view id) const;
  [[nodiscard]] Bytes resident() const;  // of all models in memory, as far as it counts as used

  // The next lighter model below the one that answers (or, with none, below the heaviest) and below
  // `cap` (empty: no cap). Null: there is none.
  [[nodiscard]] const LadderModel* step_down(std::string_view cap, LadderOrder order) const;
  // The next heavier model above `cap`; null: `cap` is the heaviest, or unknown.
  [[nodiscard]] const LadderModel* step_up(std::string_view cap, LadderOrder order) const;
  // True if `model` is heavier than `cap`; false if there is no such cap.
  [[nodiscard]] bool above(const LadderModel& model, std::string_view cap, LadderOrder order) const;

 private:
  // Lightest first. By footprint while a speed is unknown.
  [[nodiscard]] std::vector<const LadderModel*> ordered(LadderOrder order) const;

  std::vector<LadderModel> models_;
};

// Why the machine would have to step down again with `target`; empty: it would not.
std::string objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy);

// Why loading `target` now would make memory short; empty: it would not, or nothing is known.
std::string memory_objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy);

}  // namespace pensieve::monitor
