// Events in the ledger.
#pragma once

#include <memory>

#include "manager/monitor_status.h"
#include "store/events.h"

namespace pensieve::api {

// On the supervisor's loop: one small write an event. A write that fails is logged once and nobody
// else notices.
class EventArchive {
 public:
  explicit EventArchive(std::unique_ptr<store::Database> database) : database_(std::move(database)), events_(*database_) {}

  void keep(const ServerEvent& event);

 private:
  std::unique_ptr<store::Database> database_;
  store::Events events_;
  bool failed_ = false;
};

}  // namespace pensieve::api
