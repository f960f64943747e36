// PerformanceMonitor: from what the sensors say to a level, and to the largest model that may answer.
//
// The problem with thresholds alone: a load near one of them would switch models every second, each
// switch costing seconds and moving the load itself. So a breach must last (dwell; one reading is
// never enough), things get better only after a calm while and a cool-down, a larger model comes back
// only if the state predicted with it would not bring it down again, and an upgrade that was regretted
// makes the next one wait longer. What protects the machine (critical, emergency) never waits.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "monitor/breach.h"
#include "monitor/ladder.h"
#include "monitor/level.h"
#include "monitor/policy.h"
#include "monitor/signals.h"
#include "monitor/throttle.h"

namespace pensieve::monitor {

// A change of level, of the largest allowed model, or of both.
struct Change {
  SteadyTime at;
  Level from = Level::kNormal;
  Level to = Level::kNormal;
  std::string cap_from;  // largest model allowed; empty: any
  std::string cap_to;
  std::string reason;
  bool downgrade = false;  // the cap was lowered
  bool upgrade = false;    // the cap was raised
};

// Pure but for what it remembers of earlier samples; time comes with each of them. One thread.
class PerformanceMonitor {
 public:
  explicit PerformanceMonitor(const MonitorPolicy& policy) : policy_(policy), signals_(policy) {}

  // Takes the next sample, later than the one before, with the models as they are now. What changed,
  // if anything did.
  std::optional<Change> update(const Sample& sample, const Ladder& ladder);

  [[nodiscard]] Level level() const { return level_; }
  [[nodiscard]] const std::string& cap() const { return cap_; }                        // the heaviest model that may answer; empty: any
  [[nodiscard]] LadderOrder order() const { return order_; }                           // what heavy means
  [[nodiscard]] std::optional<SteadyTime> changed_at() const { return last_change_; }  // level or cap
  [[nodiscard]] const Wish& wish() const { return wish_; }                             // of the last sample
  // Why the cap is not raised although all is calm; empty: it is raised, or nothing is calm.
  [[nodiscard]] const std::string& held_by() const { return held_by_; }
  [[nodiscard]] const Signals& signals() const { return signals_; }
  [[nodiscard]] const ThrottlePlan& throttle() const { return throttle_; }
  [[nodiscard]] const MonitorPolicy& policy() const { return policy_; }

  // Earliest time until things can get better, for Retry-After. 0: they are normal.
  [[nodiscard]] std::chrono::milliseconds until_recovery() const;

  // Why `model` should not answer now although it could: it is heavier than the cap, or loading it would make
  // memory short. Empty: it may.
  [[nodiscard]] std::string objection_to(const LadderModel& model, const Ladder& ladder) const;

 private:
  using Milliseconds = MonitorPolicy::Milliseconds;

  [[nodiscard]] Level sustained() const;
  [[nodiscard]] bool cooled_down() const;
  [[nodiscard]] Milliseconds cooldown() const;
  std::optional<Change> worsen(Level level, const Ladder& ladder);
  std::optional<Change> lower_cap(const Ladder& ladder);
  std::optional<Change> improve(const Ladder& ladder);
  void settle(Change& change, std::string reason);
  bool take_smaller(const Ladder& ladder);
  bool take_larger(const Ladder& ladder);

  MonitorPolicy policy_;
  Signals signals_;
  Level level_ = Level::kNormal;
  std::string cap_;
  LadderOrder order_ = LadderOrder::kFootprint;
  Wish wish_;
  std::string held_by_;
  ThrottlePlan throttle_;
  SteadyTime now_;
  std::optional<SteadyTime> first_;
  std::optional<SteadyTime> last_change_;
  bool last_was_better_ = false;
  std::optional<SteadyTime> last_upgrade_;
  int regrets_ = 0;
  // Of each level: how long it has been asked for, waned by the time in which it was not.
  std::array<Milliseconds, kLevelCount> asked_for_{};
  SteadyTime last_breach_;  // that asked for the present level or more
};

}  // namespace pensieve::monitor
