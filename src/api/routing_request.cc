#include "api/routing_request.h"

#include <string_view>
#include <utility>

namespace pensieve::api {
namespace {

const Json* member(const Json& value, std::string_view name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.get_object().find(std::string(name));
  return found == value.get_object().end() ? nullptr : &found->second;
}

std::string_view text_of(const Json* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}
std::string_view text_member(const Json& value, std::string_view name) { return text_of(member(value, name)); }

// Elements of an array; nothing for any other value.
const Json::array_t& elements(const Json* value) {
  static const Json::array_t none;
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

Role role_of(std::string_view role) {
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "assistant" || role == "model") return Role::kAssistant;
  if (role == "tool" || role == "function") return Role::kTool;
  return Role::kUser;
}

void append(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += '\n';
  text += more;
}

// The text of a string, or of the text parts of an array.
std::string joined_text(const Json* content) {
  std::string text(text_of(content));
  for (const Json& part : elements(content)) append(text, part.is_string() ? text_of(&part) : text_member(part, "text"));
  return text;
}

ToolCall call_of(const Json& function) {
  const Json* arguments = member(function, "arguments");
  if (arguments == nullptr) arguments = member(function, "input");
  return {.id = "",
          .name = std::string(text_member(function, "name")),
          .arguments = arguments == nullptr     ? ""
                       : arguments->is_string() ? arguments->get_string()
                                                : to_json_text(*arguments)};
}

// One part of a message's content. Tool results become messages of their own in `results`.
void add_part(const Json& part, Message& message, std::vector<Message>& results) {
  const std::string_view type = text_member(part, "type");
  if (part.is_string()) {
    append(message.text, part.get_string());
  } else if (type == "tool_result") {
    const Json* failed = member(part, "is_error");
    results.push_back({.role = Role::kTool,
                       .text = joined_text(member(part, "content")),
                       .tool_failed = failed != nullptr && failed->is_boolean() && failed->get_boolean()});
  } else if (type == "tool_use") {
    message.tool_calls.push_back(call_of(part));
  } else if (type == "image" || type == "image_url" || type == "input_image") {
    message.images.emplace_back();
  } else {
    append(message.text, text_member(part, "text"));
  }
}

void add_message(const Json& value, GenerationRequest& request) {
  Message message{.role = role_of(text_member(value, "role"))};
  std::vector<Message> results;
  const Json* content = member(value, "content");
  message.text = text_of(content);
  for (const Json& part : elements(content)) add_part(part, message, results);
  for (std::size_t i = 0; i < elements(member(value, "images")).size(); ++i) message.images.emplace_back();
  for (const Json& call : elements(member(value, "tool_calls"))) {
    const Json* function = member(call, "function");
    message.tool_calls.push_back(call_of(function == nullptr ? call : *function));
  }
  const bool only_results = !results.empty() && message.text.empty() && message.images.empty();
  for (Message& result : results) request.messages.push_back(std::move(result));
  if (!only_results) request.messages.push_back(std::move(message));
}

// An item of the Responses API's input.
void add_item(const Json& item, GenerationRequest& request) {
  const std::string_view type = text_member(item, "type");
  if (item.is_string()) {
    request.messages.push_back({.role = Role::kUser, .text = item.get_string()});
  } else if (type == "function_call") {
    request.messages.push_back({.role = Role::kAssistant, .tool_calls = {call_of(item)}});
  } else if (type == "function_call_output") {
    request.messages.push_back({.role = Role::kTool, .text = joined_text(member(item, "output"))});
  } else if (type.empty() || type == "message") {
    add_message(item, request);
  }
}

void add_tools(const Json* tools, GenerationRequest& request) {
  for (const Json& tool : elements(tools)) {
    const Json* function = member(tool, "function");
    const Json& named = function == nullptr ? tool : *function;
    if (text_member(named, "name").empty()) continue;
    const Json* schema = member(named, "parameters");
    if (schema == nullptr) schema = member(named, "input_schema");
    request.tools.push_back({.name = std::string(text_member(named, "name")),
                             .description = std::string(text_member(named, "description")),
                             .parameters_schema = schema == nullptr ? "" : to_json_text(*schema)});
  }
}

bool wants_json(const Json& body) {
  for (const std::string_view name : {"response_format", "format"}) {
    const Json* format = member(body, name);
    if (format == nullptr) continue;
    const std::string_view type = format->is_string() ? text_of(format) : text_member(*format, "type");
    if (format->is_object() ? type != "text" : type == "json") return true;
  }
  const Json* text = member(body, "text");
  const Json* format = text == nullptr ? nullptr : member(*text, "format");
  return format != nullptr && !text_member(*format, "type").empty() && text_member(*format, "type") != "text";
}

void read_limits(const Json& body, GenerationRequest& request) {
  for (const std::string_view name : {"max_completion_tokens", "max_output_tokens", "max_tokens"}) {
    const Json* limit = member(body, name);
    if (limit == nullptr || !limit->is_number()) continue;
    const double value = limit->as<double>();
    if (value >= 1 && value < 1e12) request.max_tokens = static_cast<std::int64_t>(value);
    return;
  }
}

}  // namespace

GenerationRequest routing_request(const Json& body) {
  GenerationRequest request;
  request.id = text_member(body, "id");
  request.model = text_member(body, "model");
  if (request.model.empty()) request.model = "auto";
  for (const std::string_view name : {"system", "instructions"}) {
    std::string system = joined_text(member(body, name));
    if (!system.empty()) request.messages.push_back({.role = Role::kSystem, .text = std::move(system)});
  }
  for (const Json& message : elements(member(body, "messages"))) add_message(message, request);
  const Json* input = member(body, "input");
  if (input != nullptr && input->is_string()) request.messages.push_back({.role = Role::kUser, .text = input->get_string()});
  for (const Json& item : elements(input)) add_item(item, request);
  const std::string prompt = joined_text(member(body, "prompt"));
  if (!prompt.empty()) request.messages.push_back({.role = Role::kUser, .text = prompt});
  add_tools(member(body, "tools"), request);
  if (text_member(body, "tool_choice") == "none") request.tool_choice = ToolChoice::kNone;
  if (wants_json(body)) request.output_format = OutputFormat::kJsonObject;
  read_limits(body, request);
  return request;
}

}  // namespace pensieve::api
