// Decisions in the ledger: what /pensieve/v1/decisions/{id} still knows after a restart.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "manager/decision_log.h"
#include "store/decisions.h"

namespace pensieve::api {

// On the supervisor's loop: one small write a decision and one an outcome, without a flush of the
// disk. A write that fails is logged once and no request notices.
class DecisionArchive {
 public:
  explicit DecisionArchive(std::unique_ptr<store::Database> database) : database_(std::move(database)), decisions_(*database_) {}

  void keep(const DecisionRecord& record);
  // record_json of a decision; empty: unknown.
  [[nodiscard]] std::string find(std::string_view id);

 private:
  std::unique_ptr<store::Database> database_;
  store::Decisions decisions_;
  bool failed_ = false;
};

}  // namespace pensieve::api
