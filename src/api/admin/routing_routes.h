// POST /pensieve/v1/route (a dry run), GET /pensieve/v1/decisions and /pensieve/v1/decisions/{id}.
#pragma once

#include <vector>

#include "api/admin/decision_archive.h"
#include "api/http/exchange.h"
#include "manager/routing_service.h"

namespace pensieve::api {

// `service` and `archive` outlive the routes. Without an archive only the latest decisions are known.
std::vector<Route> routing_routes(RoutingService& service, DecisionArchive* archive = nullptr);

}  // namespace pensieve::api
