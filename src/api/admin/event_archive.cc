#include "api/admin/event_archive.h"

#include "api/admin/status_json.h"
#include "base/log.h"

namespace pensieve::api {

void EventArchive::keep(const ServerEvent& event) {
  const Result<void> kept = events_.add({.at_unix_ms = event.at_unix_ms, .kind = event.kind, .details = event_json(event)});
  if (!kept && !failed_) spdlog::warn("events are not kept: {}", kept.error().text());
  failed_ = !kept;
}

}  // namespace pensieve::api
