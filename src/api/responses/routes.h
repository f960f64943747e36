// OpenAI's Responses API.
#pragma once

#include <vector>

#include "api/exchange_tools.h"

namespace pensieve::api::responses {

// `service` outlives the routes, which keep the responses.
std::vector<Route> routes(GenerationService& service, DialectSettings settings);

}  // namespace pensieve::api::responses
