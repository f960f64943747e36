#include "api/anthropic/request.h"

#include <algorithm>
#include <cctype>
#include <format>

#include "api/adapter_field.h"
#include "api/content.h"
#include "api/json_value.h"

namespace pensieve::api::anthropic {
namespace {

constexpr std::size_t kMaxMessages = 100'000;  // the API's own bound
constexpr std::string_view kNewLine = "\n";
constexpr std::string_view kBillingHeader = "x-anthropic-billing-header:";

bool blank(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isspace(c); });
}

void join(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += "\n";
  text += more;
}

// The system prompt as a string or text blocks. Claude Code's billing line changes with every
// request and says nothing to the model.
Result<std::string> system_text(const Fields& body) {
  const Json* system = body.find("system");
  if (system == nullptr) return std::string();
  if (system->is_string()) return system->get_string();
  if (!system->is_array()) return body.wrong("system", "must be a string or an array of blocks");
  const Json::array_t* blocks = &system->get_array();
  std::string text;
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    const Fields block = TRY(Fields::of((*blocks)[i], std::format("system.{}", i)));
    if (TRY(block.required_text("type")) != "text") return block.wrong("type", "must be 'text'");
    const std::string part = TRY(block.required_text("text"));
    if (!part.starts_with(kBillingHeader)) join(text, part);
  }
  return text;
}

Result<Content> document_content(const Fields& block);
Result<Content> search_result_content(const Fields& block);

Result<Image> image_of(const Fields& block) {
  const Json* source = block.find("source");
  if (source == nullptr) return block.wrong("source", "is required");
  const Fields fields = TRY(Fields::of(*source, block.path("source")));
  const std::string type = TRY(fields.required_text("type"));
  if (type == "base64") return image_of_base64(TRY(fields.required_text("data")), fields.path("data"));
  if (type == "url") return image_of_url(TRY(fields.required_text("url")), fields.path("url"));
  return fields.wrong("type", "must be base64, or url with a data: URL");
}

// A tool_result's or document's content: a string or blocks.
Result<Content> content_of(const Fields& holder, std::string_view name) {
  const Json* value = holder.find(name);
  if (value == nullptr) return Content();
  if (value->is_string()) return Content{value->get_string(), {}};
  const Json::array_t* blocks = TRY(holder.array(name));
  Content content;
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    const Fields block = TRY(Fields::of((*blocks)[i], std::format("{}.{}", holder.path(name), i)));
    const std::string type = TRY(block.required_text("type"));
    if (type == "image") content.add(TRY(image_of(block)));
    if (type == "text") content.add(TRY(block.required_text("text")), kNewLine);
    if (type == "document") content.add(TRY(document_content(block)), kNewLine);
    if (type == "search_result") content.add(TRY(search_result_content(block)), kNewLine);
  }
  return content;
}

Result<Content> search_result_content(const Fields& block) {
  Content content{TRY(block.text("title")).value_or(""), {}};
  content.add(TRY(block.text("source")).value_or(""), kNewLine);
  content.add(TRY(content_of(block, "content")), kNewLine);
  return content;
}

// With its title and what the client says of it in front.
Result<Content> document_content(const Fields& block) {
  Content content{TRY(block.text("title")).value_or(""), {}};
  content.add(TRY(block.text("context")).value_or(""), kNewLine);
  const Json* source = block.find("source");
  if (source == nullptr) return block.wrong("source", "is required");
  const Fields fields = TRY(Fields::of(*source, block.path("source")));
  const std::string type = TRY(fields.required_text("type"));
  if (type == "text") {
    content.add(TRY(fields.required_text("data")), kNewLine);
    return content;
  }
  if (type == "content") {
    content.add(TRY(content_of(fields, "content")), kNewLine);
    return content;
  }
  return fail(ErrorCode::kUnsupported, std::format("{}: only text documents are supported", fields.path("type")),
              "send the document's text", fields.path("type"));
}

bool runs_on_vendors_servers(std::string_view type) {
  return type == "server_tool_use" || type == "mcp_tool_use" || (type.ends_with("_tool_result") && type != "tool_result");
}

// One content block into the turn's content and message: tool results become messages of their own.
Result<void> add_block(const Fields& block, Role role, Content& content, Message& message, std::vector<Message>& results) {
  const std::string type = TRY(block.required_text("type"));
  if (type == "text") {
    content.add(TRY(block.required_text("text")), kNewLine);
  } else if (type == "thinking") {
    join(message.reasoning, TRY(block.required_text("thinking")));
  } else if (type == "redacted_thinking") {
    // Holds nothing that this model could read.
  } else if (type == "image" && role == Role::kUser) {
    content.add(TRY(image_of(block)));
  } else if (type == "document") {
    content.add(TRY(document_content(block)), kNewLine);
  } else if (type == "search_result") {
    content.add(TRY(search_result_content(block)), kNewLine);
  } else if (role == Role::kAssistant && runs_on_vendors_servers(type)) {
    // What a server tool did in a conversation that began elsewhere; the text after it says what came of it.
  } else if (type == "tool_use" && role == Role::kAssistant) {
    const Json* input = block.find("input");
    if (input == nullptr || !input->is_object()) return block.wrong("input", "must be an object");
    message.tool_calls.push_back({TRY(block.required_text("id")), TRY(block.required_text("name")), to_json_text(*input)});
  } else if (type == "tool_result" && role == Role::kUser) {
    Message result{.role = Role::kTool, .tool_call_id = TRY(block.required_text("tool_use_id"))};
    set_content(result, TRY(content_of(block, "content")));
    result.tool_failed = TRY(block.boolean("is_error")).value_or(false);
    results.push_back(std::move(result));
  } else {
    return block.wrong("type", std::format("'{}' is not a content block that a message of this role can have", type));
  }
  return {};
}

Result<Role> role_of(const Fields& message) {
  const std::string role = TRY(message.required_text("role"));
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  if (role == "system") return Role::kSystem;  // Claude Code sends it among the messages
  return message.wrong("role", std::format("'{}' is not one of user, assistant", role));
}

Result<void> add_message(const Json& value, std::size_t index, std::vector<Message>& messages) {
  const Fields fields = TRY(Fields::of(value, std::format("messages.{}", index)));
  const Role role = TRY(role_of(fields));
  Message message{.role = role};
  std::vector<Message> results;
  const Json* content = fields.find("content");
  if (content == nullptr) return fields.wrong("content", "is required");
  if (content->is_string()) {
    message.text = content->get_string();
  } else {
    if (!content->is_array()) return fields.wrong("content", "must be a string or an array of blocks");
    const Json::array_t* blocks = &content->get_array();
    Content shown;
    for (std::size_t i = 0; i < blocks->size(); ++i) {
      const Fields block = TRY(Fields::of((*blocks)[i], std::format("messages.{}.content.{}", index, i)));
      TRY_VOID(add_block(block, role, shown, message, results));
    }
    set_content(message, std::move(shown));
  }
  const bool empty = message.text.empty() && message.images.empty() && message.tool_calls.empty() && message.reasoning.empty();
  if (empty && results.empty() && role != Role::kAssistant) return fields.wrong("content", "must not be empty");
  for (Message& result : results) messages.push_back(std::move(result));
  if (!empty || role == Role::kAssistant) messages.push_back(std::move(message));
  return {};
}

Result<void> parse_messages(const Fields& body, GenerationRequest& request) {
  const Json::array_t* messages = TRY(body.array("messages"));
  if (messages == nullptr) return body.wrong("messages", "is required");
  if (messages->empty()) return body.wrong("messages", "at least one message is required");
  if (messages->size() > kMaxMessages) return body.wrong("messages", std::format("more than {} messages", kMaxMessages));
  if (std::string system = TRY(system_text(body)); !system.empty()) {
    request.messages.push_back({.role = Role::kSystem, .text = std::move(system)});
  }
  for (std::size_t i = 0; i < messages->size(); ++i) TRY_VOID(add_message((*messages)[i], i, request.messages));
  if (request.messages.empty()) return body.wrong("messages", "at least one message is required");
  const Message& last = request.messages.back();
  if (last.role == Role::kAssistant && last.tool_calls.empty()) {
    if (!last.text.empty() && std::isspace(static_cast<unsigned char>(last.text.back()))) {
      return body.wrong("messages", "final assistant content cannot end with trailing whitespace");
    }
    request.continue_last_message = !last.text.empty();
    if (last.text.empty()) request.messages.pop_back();
  }
  return {};
}

Result<void> parse_tools(const Fields& body, GenerationRequest& request) {
  const Json::array_t* tools = TRY(body.array("tools"));
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    const Fields tool = TRY(Fields::of((*tools)[i], std::format("tools.{}", i)));
    // Tools that Anthropic's servers run ("web_search_20250305") can't run here.
    const std::string type = TRY(tool.text("type")).value_or("custom");
    if (type != "custom") continue;
    const Json* schema = tool.find("input_schema");
    if (schema == nullptr || !schema->is_object()) return tool.wrong("input_schema", "must be an object");
    std::string name = TRY(tool.required_text("name"));
    if (name.empty() || name.size() > 128) return tool.wrong("name", "must have 1 to 128 characters");
    request.tools.push_back({std::move(name), TRY(tool.text("description")).value_or(""), to_json_text(*schema)});
  }
  const Json* choice = body.find("tool_choice");
  if (choice == nullptr) return {};
  const Fields fields = TRY(Fields::of(*choice, "tool_choice"));
  const std::string type = TRY(fields.required_text("type"));
  request.parallel_tool_calls = !TRY(fields.boolean("disable_parallel_tool_use")).value_or(false);
  if (type == "auto")
    request.tool_choice = ToolChoice::kAuto;
  else if (type == "none")
    request.tool_choice = ToolChoice::kNone;
  else if (type == "any")
    request.tool_choice = ToolChoice::kRequired;
  else if (type == "tool") {
    request.tool_choice = ToolChoice::kNamed;
    request.tool_choice_name = TRY(fields.required_text("name"));
    if (std::ranges::find(request.tools, request.tool_choice_name, &ToolDefinition::name) == request.tools.end()) {
      return fields.wrong("name", std::format("there is no tool '{}'", request.tool_choice_name));
    }
  } else {
    return fields.wrong("type", "must be auto, any, tool or none");
  }
  if (type == "any" && request.tools.empty()) return fields.wrong("type", "may only be given with tools");
  return {};
}

// Structured output; `output_format` is the older name.
Result<void> parse_format(const Fields& body, GenerationRequest& request) {
  const Json* format = body.find("output_format");
  std::string path = "output_format";
  if (const Json* config = body.find("output_config")) {
    const Fields fields = TRY(Fields::of(*config, "output_config"));
    if (const Json* inner = fields.find("format")) {
      format = inner;
      path = fields.path("format");
    }
  }
  if (format == nullptr) return {};
  const Fields fields = TRY(Fields::of(*format, path));
  if (TRY(fields.required_text("type")) != "json_schema") return fields.wrong("type", "must be json_schema");
  const Json* schema = fields.find("schema");
  if (schema == nullptr || !schema->is_object()) return fields.wrong("schema", "must be an object");
  request.output_format = OutputFormat::kJsonSchema;
  request.output_schema = to_json_text(*schema);
  return {};
}

Result<void> parse_stop(const Fields& body, GenerationRequest& request) {
  const Json::array_t* stops = TRY(body.array("stop_sequences"));
  if (stops == nullptr) return {};
  if (stops->size() > 1000) return body.wrong("stop_sequences", "more than 1000 sequences");
  for (const Json& stop : *stops) {
    if (!stop.is_string()) return body.wrong("stop_sequences", "must hold strings");
    if (blank(stop.get_string())) return body.wrong("stop_sequences", "each stop sequence must contain non-whitespace");
    request.stop.push_back(stop.get_string());
  }
  return {};
}

// A request of a thread brings its new messages only. Official helpers go on with the whole conversation after this.
Result<void> refuse_thread(const Fields& body) {
  if (body.find("thread") == nullptr) return {};
  return fail(ErrorCode::kUnsupported, "thread: conversations are not kept for this API", "send the whole conversation", "thread");
}

}  // namespace

Result<MessagesRequest> parse_messages_request(std::string_view text, bool counting) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  TRY_VOID(refuse_thread(body));
  MessagesRequest parsed;
  GenerationRequest& request = parsed.generation;
  request.model = TRY(body.required_text("model"));
  const auto max_tokens = TRY(body.integer("max_tokens", 1, std::int64_t{1} << 40));
  if (!max_tokens && !counting) return body.wrong("max_tokens", "is required");
  request.max_tokens = max_tokens;
  TRY_VOID(parse_messages(body, request));
  TRY_VOID(parse_tools(body, request));
  TRY_VOID(parse_stop(body, request));
  TRY_VOID(parse_format(body, request));
  request.sampling.temperature = static_cast<float>(TRY(body.number("temperature", 0, 1)).value_or(1));
  request.sampling.top_p = static_cast<float>(TRY(body.number("top_p", 0, 1)).value_or(1));
  request.sampling.top_k = static_cast<std::int32_t>(TRY(body.integer("top_k", 0, 1'000'000'000)).value_or(0));
  TRY_VOID(parse_adapters(body, request));
  parsed.stream = TRY(body.boolean("stream")).value_or(false);
  if (const Json* metadata = body.find("metadata")) {
    const Fields fields = TRY(Fields::of(*metadata, "metadata"));
    TRY_VOID(fields.text("user_id"));
  }
  if (const Json* thinking = body.find("thinking")) {
    const Fields fields = TRY(Fields::of(*thinking, "thinking"));
    const std::string type = TRY(fields.required_text("type"));
    if (type == "enabled" || type == "disabled")
      request.thinking = type == "enabled";
    else if (type != "adaptive")
      return fields.wrong("type", "must be enabled, disabled or adaptive");
  }
  return parsed;
}

}  // namespace pensieve::api::anthropic
