#include "manager/decision_report.h"

#include <algorithm>
#include <map>

namespace pensieve {
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

void gather(const DecisionRecord& record, Gathered& into) {
  ModelReport& report = into.report;
  ++report.decisions;
  const selector::TaskClass task_class = record.decision.task.task_class;
  ++(task_class == selector::TaskClass::kSimple   ? report.simple
     : task_class == selector::TaskClass::kMedium ? report.medium
                                                  : report.complex);
  const DecisionOutcome& outcome = record.outcome;
  if (outcome.regenerations > 0) ++report.regenerated;
  if (outcome.disconnected)
    ++report.disconnected;
  else if (!outcome.error.empty())
    ++report.failed;
  else if (outcome.ended)
    ++report.finished;
  if (!outcome.ended || outcome.disconnected || !outcome.error.empty()) return;
  const selector::CandidateDecision& chosen = record.decision.candidates[*record.decision.chosen];
  into.expected_ttft.push_back(chosen.expected_ttft.count());
  into.ttft.push_back(outcome.ttft.count());
  if (outcome.speed.value <= 0) return;
  into.expected_tps.push_back(chosen.expected_speed.value);
  into.tps.push_back(outcome.speed.value);
}

}  // namespace

std::vector<ModelReport> report_decisions(const DecisionLog& log) {
  std::map<std::string, Gathered> models;
  for (const DecisionRecord& record : log.records()) {
    if (record.decision.chosen) gather(record, models[record.decision.model()]);
  }
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

}  // namespace pensieve
