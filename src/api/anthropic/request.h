// From the body of POST /v1/messages to the neutral request.
#pragma once

#include <string_view>

#include "base/result.h"
#include "generation/request.h"

namespace pensieve::api::anthropic {

struct MessagesRequest {
  GenerationRequest generation;
  bool stream = false;
};

// Unknown fields are ignored. Error kInvalidArgument or kUnsupported names the field at fault.
// `counting`: a count_tokens body, where max_tokens is not required.
Result<MessagesRequest> parse_messages_request(std::string_view body, bool counting);

}  // namespace pensieve::api::anthropic
