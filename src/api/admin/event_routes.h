// What happens, as it happens.
#pragma once

#include <chrono>
#include <vector>

#include "api/http/exchange.h"
#include "manager/event_log.h"

namespace pensieve::api {

// GET /pensieve/v1/events: server-sent events, one for each ServerEvent from now on; with
// `Last-Event-ID`, or `?after=N`, first those after that number which are still known. A comment every
// `ping_interval` of silence. `events` outlives the routes.
std::vector<Route> event_routes(EventLog& events, std::chrono::milliseconds ping_interval);

}  // namespace pensieve::api
