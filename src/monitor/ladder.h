// The models that could answer, in order of their size, and what taking another one would do. Pure.
#pragma once

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
};

// Smallest first. Equal sizes in order of their ids.
class Ladder {
 public:
  Ladder() = default;
  explicit Ladder(std::vector<LadderModel> models);

  [[nodiscard]] const std::vector<LadderModel>& models() const { return models_; }
  [[nodiscard]] const LadderModel* find(std::string_view id) const;
  [[nodiscard]] Bytes resident() const;  // of all models in memory

  // The model below the one that answers (or, with none, below the largest) and not above `cap`
  // (empty: no cap). `faster`: it must be expected to be faster. Null: there is none.
  [[nodiscard]] const LadderModel* step_down(std::string_view cap, bool faster) const;
  // The next model above `cap`; null: `cap` is the largest, or unknown.
  [[nodiscard]] const LadderModel* step_up(std::string_view cap) const;

 private:
  std::vector<LadderModel> models_;
};

// Why the machine would have to step down again with `target`; empty: it would not.
std::string objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy);

// Why loading `target` now would make memory short; empty: it would not, or nothing is known.
std::string memory_objection(const LadderModel& target, const Ladder& ladder, const Signals& signals, const MonitorPolicy& policy);

}  // namespace pensieve::monitor
