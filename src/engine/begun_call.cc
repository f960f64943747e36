#include "engine/begun_call.h"

#include <nlohmann/json.hpp>

namespace pensieve::engine {

const ToolCall* begun_call(const GenerationRequest& request) {
  if (!request.continue_last_message || request.messages.empty()) return nullptr;
  const auto& calls = request.messages.back().tool_calls;
  return calls.size() == 1 ? &calls.front() : nullptr;
}

const ToolFormat& continuing_form(const ToolFormat& own) {
  return own.shape == ToolFormat::Shape::kPythonic ? built_in_tool_format() : own;
}

std::string begun_call_text(const ToolFormat& form, const ToolCall& call) {
  std::string text;
  if (!form.bare) text += form.begin;  // as it is forced
  text += form.open;
  text += form.call_begin;
  if (form.shape == ToolFormat::Shape::kNamed) {
    text += call.name;
    text += form.name_end;
  } else {
    text += "{\"name\": " + nlohmann::json(call.name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + ", \"";
    text += form.arguments_key;
    text += "\": ";
  }
  return text + call.arguments;
}

}  // namespace pensieve::engine
