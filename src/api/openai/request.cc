#include "api/openai/request.h"

#include <algorithm>
#include <format>

#include "api/adapter_field.h"
#include "api/content.h"
#include "api/openai/common_fields.h"

namespace pensieve::api::openai {
namespace {

Result<Content> content_of(const Fields& message) {
  const Json* value = message.find("content");
  if (value == nullptr) return Content();
  if (value->is_string()) return Content{value->get_string(), {}};
  if (!value->is_array()) return message.wrong("content", "must be a string or an array of parts");
  const Json::array_t* parts = &value->get_array();
  Content content;
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const Fields part = TRY(Fields::of((*parts)[i], std::format("{}[{}]", message.path("content"), i)));
    const std::string type = TRY(part.required_text("type"));
    if (type == "text" || type == "input_text" || type == "refusal") {
      content.add(TRY(part.required_text(type == "refusal" ? "refusal" : "text")));
    } else if (type == "image_url" || type == "input_image") {
      content.add(TRY(image_part(part)));
    } else if (type == "input_audio" || type == "file") {
      return unsupported(part.path("type"), std::format("'{}' is not supported by this model", type), "send text only");
    } else {
      return part.wrong("type", std::format("'{}' is not a type of content", type));
    }
  }
  return content;
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
    set_content(message, TRY(content_of(fields)));
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

Result<void> choose_mode(const Fields& fields, std::string_view name, const std::string& mode, GenerationRequest& request) {
  if (mode == "auto")
    request.tool_choice = ToolChoice::kAuto;
  else if (mode == "none")
    request.tool_choice = ToolChoice::kNone;
  else if (mode == "required")
    request.tool_choice = ToolChoice::kRequired;
  else
    return fields.wrong(name, "must be auto, none, required or a function");
  return {};
}

// Name of the function that an entry of tool_choice stands for.
Result<std::string> named_function(const Fields& fields, const GenerationRequest& request) {
  const Json* function = fields.find("function");
  if (function == nullptr) return fields.wrong("function", "is required");
  const Fields named = TRY(Fields::of(*function, fields.path("function")));
  std::string name = TRY(named.required_text("name"));
  if (std::ranges::find(request.tools, name, &ToolDefinition::name) == request.tools.end()) {
    return fields.wrong("function", std::format("there is no tool '{}'", name));
  }
  return name;
}

// The tools that the model may choose from; the others are left out of the prompt too.
Result<void> allow_tools(const Fields& choice, GenerationRequest& request) {
  const Json* allowed = choice.find("allowed_tools");
  if (allowed == nullptr) return choice.wrong("allowed_tools", "is required");
  const Fields fields = TRY(Fields::of(*allowed, choice.path("allowed_tools")));
  TRY_VOID(choose_mode(fields, "mode", TRY(fields.required_text("mode")), request));
  const Json::array_t* entries = TRY(fields.array("tools"));
  if (entries == nullptr) return fields.wrong("tools", "is required");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const Fields entry = TRY(Fields::of((*entries)[i], std::format("{}[{}]", fields.path("tools"), i)));
    names.push_back(TRY(named_function(entry, request)));
  }
  std::erase_if(request.tools, [&](const ToolDefinition& tool) { return !std::ranges::contains(names, tool.name); });
  return {};
}

Result<void> parse_tool_choice(const Fields& body, GenerationRequest& request) {
  const Json* choice = body.find("tool_choice");
  if (choice == nullptr) return {};
  if (choice->is_string()) {
    TRY_VOID(choose_mode(body, "tool_choice", choice->get_string(), request));
  } else {
    const Fields fields = TRY(Fields::of(*choice, "tool_choice"));
    if (TRY(fields.text("type")).value_or("function") == "allowed_tools") {
      TRY_VOID(allow_tools(fields, request));
    } else {
      request.tool_choice = ToolChoice::kNamed;
      request.tool_choice_name = TRY(named_function(fields, request));
    }
  }
  if (request.tool_choice == ToolChoice::kRequired && request.tools.empty())
    return body.wrong("tool_choice", "may only be given with tools");
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
  return parse_tool_choice(body, request);
}

// Sound is refused rather than ignored.
Result<void> check_modalities(const Fields& body) {
  const Json::array_t* modalities = TRY(body.array("modalities"));
  for (std::size_t i = 0; modalities != nullptr && i < modalities->size(); ++i) {
    const Json& modality = (*modalities)[i];
    if (!modality.is_string() || modality.get_string() != "text")
      return unsupported("modalities", "only text is supported", "leave it out");
  }
  return {};
}

// The switch for reasoning: OpenAI's own, or the template's as other servers take it.
Result<void> parse_reasoning(const Fields& body, GenerationRequest& request) {
  if (const auto effort = TRY(body.text("reasoning_effort"))) request.thinking = *effort != "none";
  const Json* arguments = body.find("chat_template_kwargs");
  if (arguments == nullptr) return {};
  const Fields fields = TRY(Fields::of(*arguments, "chat_template_kwargs"));
  for (const char* name : {"enable_thinking", "thinking"}) {
    if (const auto value = TRY(fields.boolean(name))) request.thinking = value;
  }
  return {};
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
  TRY_VOID(parse_adapters(body, request));
  TRY_VOID(check_modalities(body));
  TRY_VOID(parse_format(body, request));
  TRY_VOID(parse_reasoning(body, request));
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
