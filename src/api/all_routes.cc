#include "api/all_routes.h"

#include <algorithm>
#include <iterator>

#include "api/admin/admin_routes.h"
#include "api/admin/event_routes.h"
#include "api/admin/routing_routes.h"
#include "api/anthropic/routes.h"
#include "api/models_routes.h"
#include "api/ollama/routes.h"
#include "api/openai/routes.h"
#include "api/openapi_data.h"
#include "api/responses/routes.h"

namespace pensieve::api {
namespace {

Route description() {
  return {.method = "GET",
          .pattern = "/openapi.json",
          .errors = ErrorShape::kPlain,
          .needs_key = false,
          .handler = [](const HttpRequest&, ResponseWriter& writer) -> boost::asio::awaitable<void> {
            co_await writer.send(200, {{"Content-Type", "application/json"}}, std::string(kOpenApi));
          }};
}

}  // namespace

std::vector<Route> all_routes(const RouteParts& parts) {
  std::vector<Route> routes = {description()};
  for (std::vector<Route> part : {anthropic::routes(parts.service, parts.settings), openai::routes(parts.service, parts.settings),
                                  openai::embedding_routes(parts.service), responses::routes(parts.service, parts.settings),
                                  ollama::routes({parts.service, parts.library, parts.version}), models_routes(parts.service),
                                  admin_routes(parts.service, parts.metrics), routing_routes(parts.routing, parts.archive),
                                  event_routes(parts.events, parts.settings.ping_interval)}) {
    std::ranges::move(part, std::back_inserter(routes));
  }
  return routes;
}

}  // namespace pensieve::api
