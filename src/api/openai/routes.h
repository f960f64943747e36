// OpenAI's chat completions and legacy completions.
#pragma once

#include <vector>

#include "api/exchange_tools.h"

namespace pensieve::api::openai {

// POST /v1/embeddings.
std::vector<Route> embedding_routes(GenerationService& service);

// `service` outlives the routes.
std::vector<Route> routes(GenerationService& service, DialectSettings settings);

}  // namespace pensieve::api::openai
