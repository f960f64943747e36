// POST /pensieve/v1/route (a dry run), GET /pensieve/v1/decisions and /pensieve/v1/decisions/{id}.
#pragma once

#include <vector>

#include "api/http/router.h"
#include "manager/routing_service.h"

namespace pensieve::api {

// `service` outlives the routes.
std::vector<Route> routing_routes(RoutingService& service);

}  // namespace pensieve::api
