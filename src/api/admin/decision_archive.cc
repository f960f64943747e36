#include "api/admin/decision_archive.h"

#include "api/admin/decision_json.h"
#include "base/log.h"

namespace pensieve::api {

void DecisionArchive::keep(const DecisionRecord& record) {
  const Result<void> put = decisions_.put({.id = record.id,
                                           .at_unix = record.at_unix,
                                           .model = record.decision.model(),
                                           .task_class = std::string(to_string(record.decision.task.task_class)),
                                           .details = record_json(record),
                                           .state = std::string(state_of(record.outcome))});
  if (!put && !failed_) spdlog::warn("decisions are not kept: {}", put.error().text());
  failed_ = !put;
}

std::string DecisionArchive::find(std::string_view id) { return decisions_.details(id).value_or(""); }

}  // namespace pensieve::api
