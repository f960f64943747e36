// OpenAI's chat completions and legacy completions.
#pragma once

#include <vector>

#include "api/exchange_tools.h"

namespace pensieve::api::openai {

// `service` outlives the routes.
std::vector<Route> routes(GenerationService& service, DialectSettings settings);

}  // namespace pensieve::api::openai
