#include "api/openai/request.h"

#include <algorithm>
#include <format>

#include "api/openai/common_fields.h"

namespace pensieve::api::openai {
namespace {

Result<std::string> parts_text(const Fields& message) {
  const Json* content = message.find("content");
  if (content == nullptr) return std::string();
  if (content->is_string()) return content->get_string();
  if (!content->is_array()) return message.wrong("content", "must be a string or an array of parts");
  const Json::array_t* parts = &content->get_array();
  std::string text;
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const Fields part = TRY(Fields::of((*parts)[i], std::format("{}[{}]", message.path("content"), i)));
    const std::string type = TRY(part.required_text("type"));
    if (type == "text" || type == "input_text" || type == "refusal") {
      text += TRY(part.required_text(type == "refusal" ? "refusal" : "text"));
    } else if (type == "image_url" || type == "input_audio" || type == "file" || type == "input_image") {
      return unsupported(part.path("type"), std::format("'{}' is not supported by this model", type), "send text only");
    } else {
      return part.wrong("type", std::format("'{}' is not a type of content", type));
    }
  }
  return text;
}

Result<Role> role_of(const Fields& message) {
  const std::string role = TRY(message.required_text("role"));
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  if (role == "tool" || role == "function") return Role::kTool;
  return message.wrong("role", std::format("'{}' is not one of system, developer, user, assistant, tool", role));
}

Result<void> add_tool_calls(const Fields& fields, Message& message) {
  const Json::array_t* calls = TRY(fields.array("tool_calls"));
  for (std::size_t i = 0; calls != nullptr && i < calls->size(); ++i) {
    const Fields call = TRY(Fields::of((*calls)[i], std::format("{}[{}]", fields.path("tool_calls"), i)));
    const Json* function = call.find("function");
    if (function == nullptr) return call.wrong("function", "is required");
    const Fields details = TRY(Fields::of(*function, call.path("function")));
    message.tool_calls.push_back(
        {TRY(call.text("id")).value_or(""), TRY(details.required_text("name")), TRY(details.text("arguments")).value_or("{}")});
  }
  return {};
}

Result<void> parse_messages(const Fields& body, GenerationRequest& request) {
  const Json::array_t* messages = TRY(body.array("messages"));
  if (messages == nullptr) return body.wrong("messages", "is required");
  if (messages->empty()) return body.wrong("messages", "must hold at least one message");
  for (std::size_t i = 0; i < messages->size(); ++i) {
    const Fields fields = TRY(Fields::of((*messages)[i], std::format("messages[{}]", i)));
    Message message{.role = TRY(role_of(fields))};
    message.text = TRY(parts_text(fields));
    TRY_VOID(add_tool_calls(fields, message));
    message.tool_call_id = TRY(fields.text("tool_call_id")).value_or("");
    message.tool_name = TRY(fields.text("name")).value_or("");
    message.reasoning = TRY(fields.text("reasoning_content")).value_or("");
    if (message.role != Role::kAssistant && fields.find("content") == nullptr) return fields.wrong("content", "is required");
    if (message.role == Role::kTool && message.tool_call_id.empty() && message.tool_name.empty()) {
      return fields.wrong("tool_call_id", "is required");
    }
    request.messages.push_back(std::move(message));
  }
  return {};
}

Result<void> parse_tools(const Fields& body, GenerationRequest& request) {
  for (const char* old : {"functions", "function_call"}) {
    if (body.find(old)) return unsupported(old, "is not supported", "use tools and tool_choice");
  }
  const Json::array_t* tools = TRY(body.array("tools"));
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    const Fields tool = TRY(Fields::of((*tools)[i], std::format("tools[{}]", i)));
    if (TRY(tool.required_text("type")) != "function") continue;
    const Json* function = tool.find("function");
    if (function == nullptr) return tool.wrong("function", "is required");
    const Fields details = TRY(Fields::of(*function, tool.path("function")));
    const Json* schema = details.find("parameters");
    if (schema != nullptr && !schema->is_object()) return details.wrong("parameters", "must be an object");
    request.tools.push_back({TRY(details.required_text("name")), TRY(details.text("description")).value_or(""),
                             schema ? to_json_text(*schema) : R"({"type":"object","properties":{}})"});
  }
  request.parallel_tool_calls = TRY(body.boolean("parallel_tool_calls")).value_or(true);
  const Json* choice = body.find("tool_choice");
  if (choice == nullptr) return {};
  if (choice->is_string()) {
    const std::string& mode = choice->get_string();
    if (mode == "auto")
      request.tool_choice = ToolChoice::kAuto;
    else if (mode == "none")
      request.tool_choice = ToolChoice::kNone;
    else if (mode == "required")
      request.tool_choice = ToolChoice::kRequired;
    else
      return body.wrong("tool_choice", "must be auto, none, required or a function");
  } else {
    const Fields fields = TRY(Fields::of(*choice, "tool_choice"));
    const Json* function = fields.find("function");
    if (function == nullptr) return fields.wrong("function", "is required");
    request.tool_choice = ToolChoice::kNamed;
    const Fields named = TRY(Fields::of(*function, "tool_choice.function"));
    request.tool_choice_name = TRY(named.required_text("name"));
    if (std::ranges::find(request.tools, request.tool_choice_name, &ToolDefinition::name) == request.tools.end()) {
      return fields.wrong("function", std::format("there is no tool '{}'", request.tool_choice_name));
    }
  }
  // A call can't be forced without a grammar in the sampler.
  if (request.tool_choice == ToolChoice::kAuto || request.tool_choice == ToolChoice::kNone) return {};
  if (request.tools.empty()) return body.wrong("tool_choice", "may only be given with tools");
  return unsupported("tool_choice", "forcing a tool call is not supported", "use auto, and say in the prompt which tool to call");
}

// What the answer can't be is refused rather than ignored: sound, and structured output, which needs
// a grammar in the sampler.
Result<void> check_format(const Fields& body) {
  const Json::array_t* modalities = TRY(body.array("modalities"));
  for (std::size_t i = 0; modalities != nullptr && i < modalities->size(); ++i) {
    const Json& modality = (*modalities)[i];
    if (!modality.is_string() || modality.get_string() != "text")
      return unsupported("modalities", "only text is supported", "leave it out");
  }
  const Json* format = body.find("response_format");
  if (format == nullptr) return {};
  const Fields fields = TRY(Fields::of(*format, "response_format"));
  const std::string type = TRY(fields.required_text("type"));
  if (type == "text") return {};
  if (type != "json_object" && type != "json_schema") return fields.wrong("type", "must be text, json_object or json_schema");
  return unsupported("response_format", std::format("'{}' is not supported", type),
                     "leave it out, and say in the prompt what form you want");
}

}  // namespace

Result<ParsedRequest> parse_chat_request(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ParsedRequest parsed;
  GenerationRequest request;
  request.model = TRY(body.required_text("model"));
  TRY_VOID(parse_messages(body, request));
  TRY_VOID(parse_tools(body, request));
  TRY_VOID(parse_stop(body, request));
  TRY_VOID(parse_sampling(body, request));
  TRY_VOID(check_format(body));
  const char* limit = body.find("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
  request.max_tokens = TRY(body.integer(limit, 1, std::int64_t{1} << 40));
  parsed.logprobs = TRY(body.boolean("logprobs")).value_or(false);
  const auto top = TRY(body.integer("top_logprobs", 0, 20));
  if (top && !parsed.logprobs) return body.wrong("top_logprobs", "needs logprobs to be true");
  if (parsed.logprobs) request.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
  TRY_VOID(parse_streaming(body, parsed));
  TRY_VOID(add_choices(body, {request}, parsed));
  return parsed;
}

}  // namespace pensieve::api::openai
