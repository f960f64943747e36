#include "api/admin/decision_report.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

DecisionRecord record(std::string id, std::string model, DecisionOutcome outcome) {
  DecisionRecord result{.id = id, .prompt_hash = std::hash<std::string>{}(id)};
  result.decision.task.task_class = selector::TaskClass::kComplex;
  result.decision.candidates = {{.model = std::move(model), .expected_ttft = std::chrono::milliseconds(500), .expected_speed = {10}},
                                {.model = "small", .expected_ttft = std::chrono::milliseconds(50), .expected_speed = {40}}};
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

TEST(DecisionReport, CountsAnAnswerForTheModelThatGaveIt) {
  DecisionRecord kept = record("kept", "large", {.ended = true, .model = "small", .speed = {38}});
  kept.cascade = CascadeTry{.plan = {.small = "small", .large = "large"}, .outcome = CascadeOutcome{.escalated = false}};
  const store::DecisionRow row = row_of(kept);
  EXPECT_EQ(row.model, "large");
  EXPECT_EQ(row.answered, "small");
  EXPECT_EQ(row.cascade, "kept");
  EXPECT_EQ(row.expected_ttft_ms, 50);
  EXPECT_DOUBLE_EQ(row.expected_tps, 40);
  kept.cascade->outcome->escalated = true;
  kept.outcome.model = "large";
  const std::vector<ModelReport> reports = report_decisions({row, row_of(kept)});
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].model, "large");
  EXPECT_EQ(reports[0].escalated, 1);
  EXPECT_EQ(reports[1].kept, 1);
}

TEST(DecisionReport, TellsNamedRefusedAndInterrupted) {
  const std::vector<ModelReport> reports = report_decisions({store::DecisionRow{.task_class = "simple", .state = "failed", .named = true},
                                                             store::DecisionRow{.model = "a", .state = "interrupted"}});
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].model, "");
  EXPECT_EQ(reports[0].named, 1);
  EXPECT_EQ(reports[0].failed, 1);
  EXPECT_EQ(reports[1].interrupted, 1);
}

}  // namespace
}  // namespace pensieve::api
