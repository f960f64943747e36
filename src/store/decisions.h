// Routing decisions and how their requests went, kept over restarts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace pensieve::store {

// What a report needs of a decision. Times in milliseconds, speeds in tokens per second, 0: unknown.
struct DecisionRow {
  std::string id;
  std::int64_t at_unix = 0;
  std::string model;     // chosen; empty: none
  std::string answered;  // model that gave the answer; empty: none did yet
  std::string task_class;
  std::string state;  // running, finished, failed, disconnected, interrupted
  bool named = false;
  std::int64_t expected_ttft_ms = 0;
  double expected_tps = 0;
  std::int64_t ttft_ms = 0;
  double tps = 0;
  std::int32_t regenerations = 0;
  std::string cascade;  // kept or escalated; empty: not tried
};

// A decision as stored. `details` is the decision as JSON, opaque here but for `outcome.state`.
struct StoredDecision {
  DecisionRow row;
  std::string details;
};

// One thread at a time. Only the newest kKept stay.
class Decisions {
 public:
  static constexpr std::int64_t kKept = 10'000;

  explicit Decisions(Database& database) : database_(database) {}

  // Inserts, or replaces the one with the same id (an outcome came).
  Result<void> put(const StoredDecision& decision);
  // Marks what was running when its server ended as interrupted.
  Result<void> interrupt_running();
  // The details of one; empty: there is none.
  Result<std::string> details(std::string_view id);
  // Newest first.
  Result<std::vector<DecisionRow>> newest(std::int64_t limit);
  // The details of the newest, or of those older than `before` (an id); none if there is no such id.
  Result<std::vector<std::string>> page(std::int64_t limit, std::string_view before);

 private:
  Database& database_;
};

}  // namespace pensieve::store
