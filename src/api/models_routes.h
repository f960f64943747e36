// GET /v1/models and /v1/models/{id}, in OpenAI's or Anthropic's shape by the request's headers.
#pragma once

#include <vector>

#include "api/http/exchange.h"
#include "manager/service.h"

namespace pensieve::api {

std::vector<Route> models_routes(GenerationService& service);

}  // namespace pensieve::api
