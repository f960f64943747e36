// The latest routing decisions and how their requests went.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/units.h"
#include "generation/request.h"
#include "manager/cascade_stream.h"
#include "selector/decision.h"
#include "selector/tiers.h"

namespace pensieve {

struct DecisionOutcome {
  bool ended = false;         // false: the request is still running
  bool disconnected = false;  // the client went away before the end
  std::string error;          // why it failed; empty otherwise
  std::string model;          // that gave the end of the answer
  std::string degraded;       // what the request got less of; empty: nothing
  std::chrono::milliseconds ttft{0};
  TokensPerSecond speed;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_prompt_tokens = 0;
  std::int64_t answer_tokens = 0;
  std::int32_t regenerations = 0;  // times that the same prompt came again afterwards
};

// "running", "finished", "failed" or "disconnected".
std::string_view state_of(const DecisionOutcome& outcome);

// A question that was asked before the decision.
struct TriageOutcome {
  std::string model;          // that was asked
  std::size_t boundary = 0;   // 0: at least medium? 1: complex?
  std::optional<double> yes;  // probability; empty: no answer
  bool changed = false;       // the choice
  std::chrono::milliseconds time{0};
};

// A small model that answers first.
struct CascadeTry {
  selector::CascadePlan plan;
  std::optional<CascadeOutcome> outcome;  // empty: no verdict yet
};

struct DecisionRecord {
  std::string id;      // of the request; X-Pensieve-Decision
  std::string asked;   // the model's name in the request
  bool named = false;  // a model, not a choice: the decision only says whether it can answer
  std::int64_t at_unix = 0;
  SteadyTime at;  // the same, for durations
  std::uint64_t prompt_hash = 0;
  std::chrono::nanoseconds time_taken{0};
  selector::Decision decision;
  std::optional<TriageOutcome> triage;
  std::optional<CascadeTry> cascade;
  DecisionOutcome outcome;

  std::string sent;  // name that the request goes on with: the first model, with the adapters asked for

  // Id of the model that the request goes to first.
  [[nodiscard]] const std::string& first_model() const { return cascade ? cascade->plan.small : decision.model(); }
};

// Hash of everything that the request says; equal prompts have equal hashes in one process.
std::uint64_t prompt_hash(const GenerationRequest& request);

// In memory, bounded. One thread.
class DecisionLog {
 public:
  explicit DecisionLog(std::size_t limit = 1000) : limit_(limit) {}

  // Called with each record that is new or has changed.
  void on_change(std::function<void(const DecisionRecord&)> observer) { observer_ = std::move(observer); }

  // The oldest is forgotten beyond the limit. A prompt that came before counts there as regenerated. A
  // record with the same id is replaced.
  void keep(DecisionRecord record);
  // Ignored if the decision is forgotten. The count of regenerations stays.
  void note_outcome(std::string_view id, DecisionOutcome outcome);
  void note_cascade(std::string_view id, CascadeOutcome outcome);
  [[nodiscard]] const DecisionRecord* find(std::string_view id) const;
  [[nodiscard]] const std::deque<DecisionRecord>& records() const { return records_; }  // oldest first

 private:
  DecisionRecord* find_mutable(std::string_view id);
  void tell(const DecisionRecord& record) const {
    if (observer_) observer_(record);
  }

  std::size_t limit_;
  std::deque<DecisionRecord> records_;
  std::function<void(const DecisionRecord&)> observer_;
};

}  // namespace pensieve
