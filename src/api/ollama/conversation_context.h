// The `context` of /api/generate: a conversation as whole numbers, which clients keep and send back
// without looking at them. Ollama puts tokens there; those would only fit the model that answered,
// so here it is the text itself, three bytes a number, behind a mark.
#pragma once

#include <string>
#include <vector>

#include "api/json_value.h"
#include "generation/request.h"

namespace pensieve::api::ollama {

// The messages' roles and texts, as a JSON array of numbers.
std::string encode_context(const std::vector<Message>& messages);

// Error kInvalidArgument: made elsewhere, or damaged.
Result<std::vector<Message>> decode_context(const Json::array_t& context);

}  // namespace pensieve::api::ollama
