#include <algorithm>

#include "selector/assess.h"

namespace pensieve::selector {
namespace {

// Bytes of a token in usual text and code, over tokenizers of 32k to 262k entries; on the low side,
// so that the context is rather planned too large.
constexpr std::int64_t kBytesPerToken = 3;
constexpr std::int64_t kTokensPerMessage = 6;
constexpr std::int64_t kTokensPerImage = 600;

std::int64_t answer_tokens(TaskClass task_class) {
  switch (task_class) {
    case TaskClass::kSimple:
      return 100;
    case TaskClass::kMedium:
      return 400;
    case TaskClass::kComplex:
      return 1000;
  }
  return 400;
}

}  // namespace

Needs needs_of(const GenerationRequest& request, TaskClass task_class) {
  Needs needs;
  needs.tools = !request.tools.empty() && request.tool_choice != ToolChoice::kNone;
  needs.json = request.output_format != OutputFormat::kText;
  std::int64_t bytes = static_cast<std::int64_t>(request.prompt.size());
  std::int64_t tokens = static_cast<std::int64_t>(request.prompt_tokens.size());
  for (const Message& message : request.messages) {
    bytes += static_cast<std::int64_t>(message.text.size() + message.reasoning.size());
    for (const ToolCall& call : message.tool_calls) bytes += static_cast<std::int64_t>(call.name.size() + call.arguments.size());
    tokens += kTokensPerMessage + kTokensPerImage * static_cast<std::int64_t>(message.images.size());
    needs.images = needs.images || !message.images.empty();
  }
  for (const ToolDefinition& tool : request.tools) {
    bytes += static_cast<std::int64_t>(tool.name.size() + tool.description.size() + tool.parameters_schema.size());
  }
  needs.prompt_tokens = tokens + (bytes + kBytesPerToken - 1) / kBytesPerToken;
  needs.answer_tokens = std::min(answer_tokens(task_class), request.max_tokens.value_or(answer_tokens(task_class)));
  return needs;
}

}  // namespace pensieve::selector
