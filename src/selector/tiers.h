// Two tiers: a small model that is in memory may be asked about a request whose class is near a
// boundary (triage), or may answer first where a larger one was chosen (cascade). Whether either is
// worth its time is decided here; manager/ does it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "selector/decision.h"

namespace pensieve::selector {

enum class TierMode : std::uint8_t {
  kOff,
  kOn,    // whenever the request is one for it
  kAuto,  // only while it is expected to save time
};

struct TierPolicy {
  TierMode triage = TierMode::kOff;
  TierMode cascade = TierMode::kOff;
  double triage_band = 0.8;                      // log odds from a boundary within which a class is in doubt
  double triage_share = 0.1;                     // of the chosen model's time that a question may cost, for kAuto
  std::chrono::milliseconds triage_limit{2000};  // that a question may cost at all
  std::int32_t held_tokens = 16;                 // of the small model's answer that are judged before any is sent
  double min_confidence = 0.6;                   // mean probability of those tokens (geometric)
  double cascade_share = 0.7;                    // of the chosen model's time that the small one may take
};

// A question worth asking: its answer changes which model is chosen.
struct TriagePlan {
  std::string model;     // that is asked
  std::size_t boundary;  // 0: at least medium? 1: complex?
  Assessment if_harder;  // the task where the answer is yes
  Assessment if_easier;
  std::chrono::milliseconds expected_cost{0};
};

// Empty: the class is clear, its other side would choose the same model, no idle model is in memory
// to be asked, or the question costs too much.
std::optional<TriagePlan> plan_triage(const Decision& decision, const FleetSnapshot& fleet, const SelectorPolicy& policy,
                                      const TierPolicy& tiers);

// `small` answers first; `large`, the decision's choice, if its answer is doubtful.
struct CascadePlan {
  std::string small;
  std::string large;
  std::chrono::milliseconds expected_cost{0};    // of an answer that is thrown away
  std::chrono::milliseconds expected_saving{0};  // of one that is kept
  bool operator==(const CascadePlan&) const = default;
};

// `kept_share`: of small answers so far that were good enough to be kept. Empty: no small model in
// memory is fast enough to save time, or the highest quality is wanted.
std::optional<CascadePlan> plan_cascade(const Decision& decision, const FleetSnapshot& fleet, const TierPolicy& tiers, double kept_share);

}  // namespace pensieve::selector
