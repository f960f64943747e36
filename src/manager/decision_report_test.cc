#include "manager/decision_report.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

DecisionRecord record(std::string id, std::string model, DecisionOutcome outcome) {
  DecisionRecord result{.id = id, .prompt_hash = std::hash<std::string>{}(id)};
  result.decision.task.task_class = selector::TaskClass::kComplex;
  result.decision.candidates = {{.model = std::move(model), .expected_ttft = std::chrono::milliseconds(500), .expected_speed = {10}}};
  result.decision.chosen = 0;
  result.outcome = std::move(outcome);
  return result;
}

TEST(DecisionReport, SetsExpectationsAgainstOutcomesByModel) {
  DecisionLog log;
  for (const int ttft : {100, 300, 200}) {
    log.keep(record(std::to_string(ttft), "b",
                    {.ended = true, .ttft = std::chrono::milliseconds(ttft), .speed = {static_cast<double>(ttft) / 10}}));
  }
  log.keep(record("left", "a", {.ended = true, .disconnected = true}));
  log.keep(record("broken", "a", {.ended = true, .error = "lost"}));
  log.keep(record("running", "a", {}));
  const std::vector<ModelReport> reports = report_decisions(log);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].model, "a");
  EXPECT_EQ(reports[0].decisions, 3);
  EXPECT_EQ(reports[0].disconnected, 1);
  EXPECT_EQ(reports[0].failed, 1);
  EXPECT_EQ(reports[0].finished, 0);
  EXPECT_EQ(reports[0].ttft_ms, 0);
  EXPECT_EQ(reports[1].finished, 3);
  EXPECT_EQ(reports[1].complex, 3);
  EXPECT_EQ(reports[1].ttft_ms, 200);
  EXPECT_EQ(reports[1].expected_ttft_ms, 500);
  EXPECT_DOUBLE_EQ(reports[1].tps, 20);
}

}  // namespace
}  // namespace pensieve
