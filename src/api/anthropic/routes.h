// Anthropic's Messages API.
#pragma once

#include <vector>

#include "api/exchange_tools.h"

namespace pensieve::api::anthropic {

// POST /v1/messages and /v1/messages/count_tokens.
// `service` outlives the routes.
std::vector<Route> routes(GenerationService& service, DialectSettings settings);

}  // namespace pensieve::api::anthropic
