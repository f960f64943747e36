// How well decisions did, by model: what was expected against what came.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "manager/decision_log.h"

namespace pensieve {

struct ModelReport {
  std::string model;
  std::int64_t decisions = 0;
  std::int64_t simple = 0;
  std::int64_t medium = 0;
  std::int64_t complex = 0;
  std::int64_t finished = 0;
  std::int64_t failed = 0;
  std::int64_t disconnected = 0;
  std::int64_t regenerated = 0;  // decisions whose prompt came again
  // Medians over finished answers; 0: none.
  std::int64_t expected_ttft_ms = 0;
  std::int64_t ttft_ms = 0;
  double expected_tps = 0;
  double tps = 0;
};

// In order of the models' ids.
std::vector<ModelReport> report_decisions(const DecisionLog& log);

}  // namespace pensieve
