// Every route that the server has.
#pragma once

#include <string>
#include <vector>

#include "api/admin/decision_archive.h"
#include "api/admin/metrics.h"
#include "api/exchange_tools.h"
#include "catalog/model_library.h"
#include "manager/event_log.h"
#include "manager/routing_service.h"

namespace pensieve::api {

// What the handlers need; all outlive the routes.
struct RouteParts {
  GenerationService& service;
  RoutingService& routing;
  ModelLibrary& library;
  DecisionArchive* archive = nullptr;  // null: decisions are kept in memory only
  const Metrics& metrics;
  EventLog& events;
  DialectSettings settings;
  std::string version;  // of Pensieve
};

// data/openapi.json describes them; a test holds the two together.
std::vector<Route> all_routes(const RouteParts& parts);

}  // namespace pensieve::api
