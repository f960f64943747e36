// Reads what routing needs from a request body of any dialect, as leniently as can be: a decision is
// given for whatever the APIs accept, and for more.
#pragma once

#include "api/json_value.h"
#include "generation/request.h"

namespace pensieve::api {

// OpenAI chat, completions and Responses, Anthropic messages, Ollama chat and generate. Unknown
// roles count as the user, unknown parts are left out, fields of the wrong type as absent.
GenerationRequest routing_request(const Json& body);

}  // namespace pensieve::api
