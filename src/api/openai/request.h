// From OpenAI's request bodies to neutral requests.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "generation/request.h"

namespace pensieve::api::openai {

struct ChatRequest {
  GenerationRequest generation;
  bool stream = false;
  bool include_usage = false;
  int choices = 1;
  bool logprobs = false;
};

// POST /v1/chat/completions. Unknown fields are ignored. Errors name the field at fault.
Result<ChatRequest> parse_chat_request(std::string_view body);

struct CompletionRequest {
  std::vector<GenerationRequest> prompts;  // `n` of each
  bool stream = false;
  bool include_usage = false;
  bool logprobs = false;
};

// POST /v1/completions: text or tokens, one prompt or several.
Result<CompletionRequest> parse_completion_request(std::string_view body);

}  // namespace pensieve::api::openai
