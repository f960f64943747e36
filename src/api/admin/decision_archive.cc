#include "api/admin/decision_archive.h"

#include "api/admin/decision_json.h"
#include "base/log.h"

namespace pensieve::api {

void DecisionArchive::begin() {
  if (const Result<void> marked = decisions_.interrupt_running(); !marked) spdlog::warn("{}", marked.error().text());
}

void DecisionArchive::keep(const DecisionRecord& record) {
  const Result<void> put = decisions_.put({.row = row_of(record), .details = record_json(record)});
  if (!put && !failed_) spdlog::warn("decisions are not kept: {}", put.error().text());
  failed_ = !put;
}

std::string DecisionArchive::find(std::string_view id) { return decisions_.details(id).value_or(""); }

std::vector<std::string> DecisionArchive::page(std::int64_t limit, std::string_view before) {
  return decisions_.page(limit, before).value_or(std::vector<std::string>{});
}

Result<std::vector<ModelReport>> DecisionArchive::report(std::int64_t most) { return report_decisions(TRY(decisions_.newest(most))); }

}  // namespace pensieve::api
