// From OpenAI's request bodies to neutral requests.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "generation/request.h"

namespace pensieve::api::openai {

// What both endpoints ask for.
struct ParsedRequest {
  std::vector<GenerationRequest> requests;  // one a choice; the choices of a prompt follow each other
  std::size_t per_prompt = 1;               // `n`
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
};

// POST /v1/chat/completions. Unknown fields are ignored; what is asked for and can't be done is
// refused. Errors name the field at fault.
Result<ParsedRequest> parse_chat_request(std::string_view body);

// POST /v1/completions: text or tokens, one prompt or several.
Result<ParsedRequest> parse_completion_request(std::string_view body);

}  // namespace pensieve::api::openai
