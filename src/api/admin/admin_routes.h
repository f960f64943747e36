// Pensieve's own endpoints, and the probes that agents send to any server.
#pragma once

#include <vector>

#include "api/admin/metrics.h"
#include "api/http/exchange.h"
#include "manager/service.h"

namespace pensieve::api {

// GET / and /health (no key), /metrics, /pensieve/v1/status, POST /pensieve/v1/models/{id}/load, unload,
// pin and unpin; GET /api/hello and POST /api/event_logging/..., which Claude Code sends and would repeat
// in a storm if refused (FACTS.md section 7): answered without a key, the content dropped.
// `service` and `metrics` outlive the routes.
std::vector<Route> admin_routes(GenerationService& service, const Metrics& metrics);

}  // namespace pensieve::api
