// How well decisions did, by model: what was expected against what came.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "manager/decision_log.h"
#include "store/decisions.h"

namespace pensieve::api {

// By the model that answered, or for want of an answer the chosen one.
struct ModelReport {
  std::string model;  // empty: none could answer
  std::int64_t decisions = 0;
  std::int64_t named = 0;  // of them, those where the request named the model
  std::int64_t simple = 0;
  std::int64_t medium = 0;
  std::int64_t complex = 0;
  std::int64_t finished = 0;
  std::int64_t failed = 0;
  std::int64_t disconnected = 0;
  std::int64_t interrupted = 0;  // the server ended before they did
  std::int64_t regenerated = 0;  // decisions whose prompt came again
  std::int64_t escalated = 0;    // a small model's try was not good enough
  std::int64_t kept = 0;         // it was
  // Medians over finished answers; 0: none.
  std::int64_t expected_ttft_ms = 0;
  std::int64_t ttft_ms = 0;
  double expected_tps = 0;
  double tps = 0;
};

// What the ledger keeps of a decision for reports.
store::DecisionRow row_of(const DecisionRecord& record);

// In order of the models' ids.
std::vector<ModelReport> report_decisions(const std::vector<store::DecisionRow>& rows);

// The newest decisions of a log in memory.
std::vector<ModelReport> report_decisions(const DecisionLog& log);

}  // namespace pensieve::api
