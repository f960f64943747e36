// Decisions in the ledger: what /pensieve/v1/decisions and `pensieve route --report` know after a restart.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/admin/decision_report.h"
#include "manager/decision_log.h"
#include "store/decisions.h"

namespace pensieve::api {

// On one thread: in the server, its loop, with one small write a decision and one an outcome, without a
// flush of the disk. A write that fails is logged once and no request notices.
class DecisionArchive {
 public:
  explicit DecisionArchive(std::unique_ptr<store::Database> database) : database_(std::move(database)), decisions_(*database_) {}

  // To be called by a server that begins: no other can be running.
  void begin();

  void keep(const DecisionRecord& record);
  // record_json of a decision; empty: unknown.
  [[nodiscard]] std::string find(std::string_view id);
  // record_json of the newest, or of those older than the decision `before`.
  [[nodiscard]] std::vector<std::string> page(std::int64_t limit, std::string_view before);
  // By model, over the newest `most` decisions.
  [[nodiscard]] Result<std::vector<ModelReport>> report(std::int64_t most);

 private:
  std::unique_ptr<store::Database> database_;
  store::Decisions decisions_;
  bool failed_ = false;
};

}  // namespace pensieve::api
