// The items of `input`.
#include <algorithm>
#include <array>
#include <format>
#include <string_view>

#include "api/content.h"
#include "api/openai/common_fields.h"
#include "api/responses/request.h"
#include "base/ids.h"

namespace pensieve::api::responses {
namespace {

// A content that is a string or an array of parts.
Result<Content> content_of(const Fields& holder, std::string_view name) {
  const Json* value = holder.find(name);
  if (value == nullptr) return Content();
  if (value->is_string()) return Content{value->get_string(), {}};
  if (!value->is_array()) return holder.wrong(name, "must be a string or an array of parts");
  Content content;
  const Json::array_t& parts = value->get_array();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Fields part = TRY(Fields::of(parts[i], std::format("{}[{}]", holder.path(name), i)));
    const std::string type = TRY(part.required_text("type"));
    if (type == "input_text" || type == "output_text" || type == "text" || type == "reasoning_text" || type == "summary_text") {
      content.add(TRY(part.required_text("text")));
    } else if (type == "refusal") {
      content.add(TRY(part.required_text("refusal")));
    } else if (type == "input_image") {
      content.add(TRY(openai::image_part(part)));
    } else if (type == "input_file" || type == "input_audio") {
      return openai::unsupported(part.path("type"), std::format("'{}' is not supported by this model", type), "send text only");
    } else {
      return part.wrong("type", std::format("'{}' is not a type of content", type));
    }
  }
  return content;
}

Result<Role> role_of(const Fields& item) {
  const std::string role = TRY(item.required_text("role"));
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  return item.wrong("role", std::format("'{}' is not one of system, developer, user, assistant", role));
}

// Calls of tools that a vendor's servers ran.
constexpr auto kOfVendorsServers = std::to_array<std::string_view>(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_list_tools", "mcp_call"});

// The assistant's turn that is being put together: thinking, text and calls are items of their own.
Message& assistant_turn(std::vector<Message>& messages) {
  if (messages.empty() || messages.back().role != Role::kAssistant) messages.push_back({.role = Role::kAssistant});
  return messages.back();
}

Result<void> add_message(const Fields& item, std::vector<Message>& messages) {
  const Role role = TRY(role_of(item));
  if (item.find("content") == nullptr) return item.wrong("content", "is required");
  Content content = TRY(content_of(item, "content"));
  const bool begun = role == Role::kAssistant && !messages.empty() && messages.back().role == role && messages.back().text.empty() &&
                     messages.back().tool_calls.empty();
  if (!begun) messages.push_back({.role = role});
  set_content(messages.back(), std::move(content));
  return {};
}

Result<void> add_item(const Fields& item, const std::string& type, std::vector<Message>& messages) {
  if (type == "message") return add_message(item, messages);
  if (type == "function_call") {
    ToolCall call{TRY(item.required_text("call_id")), TRY(item.required_text("name")), TRY(item.text("arguments")).value_or("{}")};
    assistant_turn(messages).tool_calls.push_back(std::move(call));
  } else if (type == "function_call_output") {
    Message result{.role = Role::kTool, .tool_call_id = TRY(item.required_text("call_id"))};
    set_content(result, TRY(content_of(item, "output")));
    messages.push_back(std::move(result));
  } else if (type == "reasoning") {
    std::string text = TRY(content_of(item, "content")).text;
    if (text.empty()) text = TRY(content_of(item, "summary")).text;
    if (!text.empty()) messages.push_back({.role = Role::kAssistant, .reasoning = std::move(text)});
  } else if (std::ranges::contains(kOfVendorsServers, type)) {
    // A conversation that began elsewhere; the text after it says what came of it.
  } else {
    return openai::unsupported(item.path("type"), std::format("'{}' is not an item that this server knows", type), "leave it out");
  }
  return {};
}

Result<void> add_reference(const Fields& item, const Earlier& earlier, std::vector<Message>& messages) {
  const std::string id = TRY(item.required_text("id"));
  const std::string* known = earlier.item(id);
  if (known == nullptr) {
    return fail(ErrorCode::kNotFound, std::format("{}: no item '{}' is kept", item.path("id"), id.substr(0, 100)), "send the item itself",
                item.path("id"));
  }
  const Json value = TRY(parse_body(*known));
  const Fields fields = TRY(Fields::of(value, item.path("id")));
  return add_item(fields, TRY(fields.required_text("type")), messages);
}

// With an id and a type, as input_items shows it.
Item kept_item(const Json& value, const std::string& id, const std::string& type) {
  std::string json = std::format(R"({{"id":{},"type":{})", json_string(id), json_string(type));
  for (const auto& [name, field] : value.get_object()) {
    if (name != "id" && name != "type") json += std::format(",{}:{}", json_string(name), to_json_text(field));
  }
  return {id, json + "}"};
}

}  // namespace

Result<void> parse_input(const Fields& body, const Earlier& earlier, ParsedRequest& parsed) {
  std::vector<Message>& messages = parsed.generation.messages;
  const std::size_t before = messages.size();
  const Json* input = body.find("input");
  if (input == nullptr) return body.wrong("input", "is required");
  if (input->is_string()) {
    messages.push_back({.role = Role::kUser, .text = input->get_string()});
    const std::string id = random_id("msg_", 24);
    parsed.input.push_back({id, std::format(R"({{"id":{},"type":"message","role":"user","status":"completed","content":)"
                                            R"([{{"type":"input_text","text":{}}}]}})",
                                            json_string(id), json_string(input->get_string()))});

    return {};
  }
  if (!input->is_array()) return body.wrong("input", "must be a string or an array of items");
  const Json::array_t& items = input->get_array();
  if (items.empty() && before == 0) return body.wrong("input", "must hold at least one item");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Fields item = TRY(Fields::of(items[i], std::format("input[{}]", i)));
    const std::string type = TRY(item.text("type")).value_or("message");
    if (type == "item_reference") {
      TRY_VOID(add_reference(item, earlier, messages));
      continue;
    }
    TRY_VOID(add_item(item, type, messages));
    const std::string id = TRY(item.text("id")).value_or("");
    parsed.input.push_back(kept_item(items[i], id.empty() ? random_id("item_", 24) : id, type));
  }
  if (messages.empty()) return body.wrong("input", "must hold at least one item");

  return {};
}

}  // namespace pensieve::api::responses
