// The request field `lora`, the same in every dialect.
#pragma once

#include "api/json_value.h"
#include "generation/request.h"

namespace pensieve::api {

// "lora": [{"name": "sql", "scale": 0.5}, ...]; a scale may be left out. Errors name the field.
Result<void> parse_adapters(const Fields& body, GenerationRequest& request);

}  // namespace pensieve::api
