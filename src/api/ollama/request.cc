#include "api/ollama/request.h"

#include <algorithm>
#include <format>

#include "api/adapter_field.h"
#include "api/content.h"
#include "api/ollama/conversation_context.h"

namespace pensieve::api::ollama {
namespace {

// They stand before the text of their message.
Result<void> add_images(const Fields& holder, Message& message) {
  const Json::array_t* images = TRY(holder.array("images"));
  for (std::size_t i = 0; images != nullptr && i < images->size(); ++i) {
    const std::string field = std::format("{}.{}", holder.path("images"), i);
    if (!(*images)[i].is_string()) return holder.wrong("images", "must hold images in base64");
    message.images.push_back(TRY(image_of_base64((*images)[i].get_string(), field)));
  }
  return {};
}

Result<void> parse_format(const Fields& body, GenerationRequest& request) {
  const Json* format = body.find("format");
  if (format == nullptr) return {};
  if (format->is_string() && format->get_string().empty()) return {};
  if (format->is_string() && format->get_string() == "json") {
    request.output_format = OutputFormat::kJsonObject;
  } else if (format->is_object()) {
    request.output_format = OutputFormat::kJsonSchema;
    request.output_schema = to_json_text(*format);
  } else {
    return body.wrong("format", R"(must be "json" or a JSON schema)");
  }
  return {};
}

// true, false, or how much: "low", "medium", "high".
Result<void> parse_think(const Fields& body, GenerationRequest& request) {
  const Json* think = body.find("think");
  if (think == nullptr) return {};
  if (think->is_boolean()) {
    request.thinking = think->get_boolean();
  } else if (think->is_string() && std::ranges::contains(std::initializer_list<std::string_view>{"low", "medium", "high", "max"},
                                                         std::string_view(think->get_string()))) {
    request.thinking = true;
  } else {
    return body.wrong("think", R"(must be true, false, "low", "medium" or "high")");
  }
  return {};
}

Result<void> parse_logprobs(const Fields& body, GenerationRequest& request) {
  const bool wanted = TRY(body.boolean("logprobs")).value_or(false);
  const auto top = TRY(body.integer("top_logprobs", 0, 20));
  if (wanted) request.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
  return {};
}

Result<ParsedRequest> parse_common(const Fields& body, bool chat) {
  ParsedRequest parsed{.chat = chat};
  parsed.name = TRY(model_field(body));
  parsed.generation.model = bare_name(parsed.name);
  parsed.stream = TRY(body.boolean("stream")).value_or(true);
  parsed.keep_alive = TRY(keep_alive_field(body));
  TRY_VOID(parse_options(body, parsed));
  TRY_VOID(parse_format(body, parsed.generation));
  TRY_VOID(parse_think(body, parsed.generation));
  TRY_VOID(parse_logprobs(body, parsed.generation));
  TRY_VOID(parse_adapters(body, parsed.generation));
  return parsed;
}

Result<Role> role_of(const Fields& message) {
  const std::string role = TRY(message.required_text("role"));
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  if (role == "tool") return Role::kTool;
  return message.wrong("role", std::format("'{}' is not one of system, user, assistant, tool", role));
}

// Arguments are an object; JSON text of one is taken too.
Result<void> add_tool_calls(const Fields& fields, Message& message) {
  const Json::array_t* calls = TRY(fields.array("tool_calls"));
  for (std::size_t i = 0; calls != nullptr && i < calls->size(); ++i) {
    const Fields call = TRY(Fields::of((*calls)[i], std::format("{}.{}", fields.path("tool_calls"), i)));
    const Json* function = call.find("function");
    if (function == nullptr) return call.wrong("function", "is required");
    const Fields details = TRY(Fields::of(*function, call.path("function")));
    const Json* arguments = details.find("arguments");
    std::string text = "{}";
    if (arguments != nullptr && arguments->is_object()) text = to_json_text(*arguments);
    if (arguments != nullptr && arguments->is_string() && parse_body(arguments->get_string())) text = arguments->get_string();
    if (arguments != nullptr && !arguments->is_object() && !arguments->is_string()) {
      return details.wrong("arguments", "must be an object");
    }
    message.tool_calls.push_back({TRY(call.text("id")).value_or(""), TRY(details.required_text("name")), std::move(text)});
  }
  return {};
}

Result<void> parse_messages(const Fields& body, ParsedRequest& parsed) {
  const Json::array_t* messages = TRY(body.array("messages"));
  for (std::size_t i = 0; messages != nullptr && i < messages->size(); ++i) {
    const Fields fields = TRY(Fields::of((*messages)[i], std::format("messages.{}", i)));
    Message message{.role = TRY(role_of(fields))};
    message.text = TRY(fields.text("content")).value_or("");
    message.reasoning = TRY(fields.text("thinking")).value_or("");
    message.tool_name = TRY(fields.text("tool_name")).value_or("");
    message.tool_call_id = TRY(fields.text("tool_call_id")).value_or("");
    TRY_VOID(add_images(fields, message));
    TRY_VOID(add_tool_calls(fields, message));
    parsed.generation.messages.push_back(std::move(message));
  }
  parsed.only_load = parsed.generation.messages.empty();
  if (parsed.only_load) return {};
  const Message& last = parsed.generation.messages.back();
  parsed.generation.continue_last_message = last.role == Role::kAssistant && last.tool_calls.empty() && !last.text.empty();
  return {};
}

Result<void> parse_tools(const Fields& body, GenerationRequest& request) {
  const Json::array_t* tools = TRY(body.array("tools"));
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    const Fields tool = TRY(Fields::of((*tools)[i], std::format("tools.{}", i)));
    const Json* function = tool.find("function");
    if (function == nullptr) return tool.wrong("function", "is required");
    const Fields details = TRY(Fields::of(*function, tool.path("function")));
    const Json* schema = details.find("parameters");
    if (schema != nullptr && !schema->is_object()) return details.wrong("parameters", "must be an object");
    request.tools.push_back({TRY(details.required_text("name")), TRY(details.text("description")).value_or(""),
                             schema ? to_json_text(*schema) : R"({"type":"object","properties":{}})"});
  }
  return {};
}

// What the prompt of /api/generate becomes: the model's template around it, with the conversation of
// `context` before, or as it is.
Result<void> parse_prompt(const Fields& body, ParsedRequest& parsed) {
  GenerationRequest& request = parsed.generation;
  const std::string prompt = TRY(body.text("prompt")).value_or("");
  const std::string suffix = TRY(body.text("suffix")).value_or("");
  const std::string system = TRY(body.text("system")).value_or("");
  parsed.raw = TRY(body.boolean("raw")).value_or(false) || !suffix.empty();
  Message question{.role = Role::kUser, .text = prompt};
  TRY_VOID(add_images(body, question));
  const bool has_images = !question.images.empty();
  parsed.only_load = prompt.empty() && suffix.empty() && !has_images;
  if (parsed.raw) {
    request.prompt_kind = PromptKind::kText;
    request.prompt = prompt;
    request.suffix = suffix;
    request.parse_special = suffix.empty();
    for (const auto& [field, given] :
         {std::pair("system", !system.empty()), std::pair("context", body.find("context") != nullptr), std::pair("images", has_images)}) {
      if (given) return body.wrong(field, suffix.empty() ? "may not be given with raw" : "may not be given with suffix");
    }
    return {};
  }
  if (const Json::array_t* context = TRY(body.array("context")); context != nullptr && !context->empty()) {
    Result<std::vector<Message>> earlier = decode_context(*context);
    if (!earlier) return body.wrong("context", earlier.error().message);
    request.messages = *std::move(earlier);
  }
  if (!system.empty()) {
    std::erase_if(request.messages, [](const Message& message) { return message.role == Role::kSystem; });
    request.messages.insert(request.messages.begin(), Message{.role = Role::kSystem, .text = system});
  }
  request.messages.push_back(std::move(question));
  return {};
}

}  // namespace

Result<ParsedRequest> parse_chat_request(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ParsedRequest parsed = TRY(parse_common(body, true));
  TRY_VOID(parse_messages(body, parsed));
  TRY_VOID(parse_tools(body, parsed.generation));
  return parsed;
}

Result<ParsedRequest> parse_generate_request(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ParsedRequest parsed = TRY(parse_common(body, false));
  TRY_VOID(parse_prompt(body, parsed));
  if (!TRY(body.text("template")).value_or("").empty()) parsed.ignored.emplace_back("template");
  return parsed;
}

}  // namespace pensieve::api::ollama
