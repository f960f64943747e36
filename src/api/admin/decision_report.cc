#include "api/admin/decision_report.h"

#include <algorithm>
#include <map>

namespace pensieve::api {
namespace {

template <typename T>
T median(std::vector<T> values) {
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

struct Gathered {
  ModelReport report;
  std::vector<std::int64_t> expected_ttft, ttft;
  std::vector<double> expected_tps, tps;
};

void gather(const store::DecisionRow& row, Gathered& into) {
  ModelReport& report = into.report;
  ++report.decisions;
  if (row.named) ++report.named;
  ++(row.task_class == "simple" ? report.simple : row.task_class == "medium" ? report.medium : report.complex);
  if (row.regenerations > 0) ++report.regenerated;
  if (row.cascade == "escalated") ++report.escalated;
  if (row.cascade == "kept") ++report.kept;
  if (row.state == "disconnected") ++report.disconnected;
  if (row.state == "interrupted") ++report.interrupted;
  if (row.state == "failed") ++report.failed;
  if (row.state != "finished") return;
  ++report.finished;
  into.expected_ttft.push_back(row.expected_ttft_ms);
  into.ttft.push_back(row.ttft_ms);
  if (row.tps <= 0) return;
  into.expected_tps.push_back(row.expected_tps);
  into.tps.push_back(row.tps);
}

std::string cascade_word(const DecisionRecord& record) {
  if (!record.cascade || !record.cascade->outcome) return "";
  return record.cascade->outcome->escalated ? "escalated" : "kept";
}

}  // namespace

store::DecisionRow row_of(const DecisionRecord& record) {
  const DecisionOutcome& outcome = record.outcome;
  store::DecisionRow row{.id = record.id,
                         .at_unix = record.at_unix,
                         .model = record.decision.model(),
                         .answered = outcome.model,
                         .task_class = std::string(to_string(record.decision.task.task_class)),
                         .state = std::string(state_of(outcome)),
                         .named = record.named,
                         .ttft_ms = outcome.ttft.count(),
                         .tps = outcome.speed.value,
                         .regenerations = outcome.regenerations,
                         .cascade = cascade_word(record)};
  const std::string& answering = row.answered.empty() ? row.model : row.answered;
  const auto expected = std::ranges::find(record.decision.candidates, answering, &selector::CandidateDecision::model);
  if (expected != record.decision.candidates.end()) {
    row.expected_ttft_ms = expected->expected_ttft.count();
    row.expected_tps = expected->expected_speed.value;
  }
  return row;
}

std::vector<ModelReport> report_decisions(const std::vector<store::DecisionRow>& rows) {
  std::map<std::string, Gathered> models;
  for (const store::DecisionRow& row : rows) gather(row, models[row.answered.empty() ? row.model : row.answered]);
  std::vector<ModelReport> reports;
  for (auto& [model, gathered] : models) {
    gathered.report.model = model;
    gathered.report.expected_ttft_ms = median(std::move(gathered.expected_ttft));
    gathered.report.ttft_ms = median(std::move(gathered.ttft));
    gathered.report.expected_tps = median(std::move(gathered.expected_tps));
    gathered.report.tps = median(std::move(gathered.tps));
    reports.push_back(gathered.report);
  }
  return reports;
}

std::vector<ModelReport> report_decisions(const DecisionLog& log) {
  std::vector<store::DecisionRow> rows;
  for (const DecisionRecord& record : log.records()) rows.push_back(row_of(record));
  return report_decisions(rows);
}

}  // namespace pensieve::api
