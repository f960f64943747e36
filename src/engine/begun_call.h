// A tool call that another worker began: its client has the name and a part of the arguments, and this
// answer goes on from there.
#pragma once

#include <string>

#include "engine/tool_format.h"
#include "generation/request.h"

namespace pensieve::engine {

// The call that the answer goes on with: the only one of a last message that is continued. Null: none.
const ToolCall* begun_call(const GenerationRequest& request);

// The form to go on in: the model's own, unless its arguments are no JSON.
const ToolFormat& continuing_form(const ToolFormat& own);

// The answer's text in that form, up to where the arguments break off.
std::string begun_call_text(const ToolFormat& form, const ToolCall& call);

}  // namespace pensieve::engine
