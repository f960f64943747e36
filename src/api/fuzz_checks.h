// For the fuzzers of the request parsers: what must hold for whatever they answer. A broken promise
// aborts.
#pragma once

#include <cmath>
#include <cstdlib>

#include "api/http/exchange.h"
#include "api/json_value.h"
#include "base/utf8.h"
#include "generation/request.h"

namespace pensieve::api {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// The refusal is the client's fault, and its answer is JSON.
inline void check_refusal(const Error& error, ErrorShape shape) {
  require(error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kUnsupported);
  require(parse_body(render_error(shape, error, "req_1").body).has_value());
}

// All text is UTF-8 and all numbers are within what the engine takes.
inline void check_sound(const GenerationRequest& request) {
  require(is_valid_utf8(request.model) && is_valid_utf8(request.prompt));
  for (const std::string& stop : request.stop) require(is_valid_utf8(stop) && !stop.empty());
  for (const Message& message : request.messages) {
    require(is_valid_utf8(message.text) && is_valid_utf8(message.reasoning) && is_valid_utf8(message.tool_call_id));
    for (const ToolCall& call : message.tool_calls) require(is_valid_utf8(call.name) && is_valid_utf8(call.arguments));
  }
  for (const ToolDefinition& tool : request.tools) require(parse_body(tool.parameters_schema).has_value());
  if (request.prompt_kind == PromptKind::kMessages) require(!request.messages.empty());
  if (request.continue_last_message) require(request.messages.back().role == Role::kAssistant);
  require(request.max_tokens.value_or(0) >= 0);
  const Sampling& sampling = request.sampling;
  require(sampling.temperature >= 0 && sampling.top_p >= 0 && sampling.top_p <= 1 && sampling.top_k >= 0 && sampling.min_p >= 0);
  for (const LogitBias& bias : sampling.logit_bias) require(bias.token >= 0 && std::isfinite(bias.bias));
}

}  // namespace pensieve::api
