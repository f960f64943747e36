#include "engine/message_shape.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace pensieve::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kReplace = Json::error_handler_t::replace;

// Parsed JSON text, or the text as a JSON string if it is not JSON.
Json parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

void append_paragraph(std::string& text, const std::string& more) {
  if (!text.empty() && !more.empty()) text += "\n\n";
  text += more;
}

std::string tools_as_text(const std::vector<ToolDefinition>& tools) {
  std::string text =
      "You may call the functions described within <tools></tools>, one JSON object a line:\n"
      "<tools>\n";
  for (const ToolDefinition& tool : tools) {
    Json function{{"name", tool.name}, {"description", tool.description}};
    if (!tool.parameters_schema.empty()) function["parameters"] = parsed(tool.parameters_schema);
    const Json entry{{"type", "function"}, {"function", std::move(function)}};
    text += entry.dump(-1, ' ', false, kReplace) + "\n";
  }
  return text +
         "</tools>\n"
         "To call one, answer with its name and arguments as JSON within <tool_call></tool_call>:\n"
         "<tool_call>\n"
         "{\"name\": \"function name\", \"arguments\": {\"argument\": \"value\"}}\n"
         "</tool_call>";
}

void tools_to_text(Conversation& conversation) {
  const std::string text = tools_as_text(conversation.tools);
  conversation.tools.clear();
  auto& messages = conversation.messages;
  if (!messages.empty() && messages.front().role == Role::kSystem) {
    append_paragraph(messages.front().text, text);
  } else {
    Message system;
    system.role = Role::kSystem;
    system.text = text;
    messages.insert(messages.begin(), std::move(system));
  }
}

void calls_to_text(Message& message) {
  for (const ToolCall& call : message.tool_calls) {
    const Json object{{"name", call.name}, {"arguments", parsed(call.arguments)}};
    if (!message.text.empty()) message.text += "\n";
    message.text += "<tool_call>\n" + object.dump(-1, ' ', false, kReplace) + "\n</tool_call>";
  }
  message.tool_calls.clear();
}

void result_to_text(Message& message) {
  message.role = Role::kUser;
  message.text = "<tool_response>\n" + message.text + "\n</tool_response>";
}

// Joins neighbours of the same role, but for messages that carry calls or results of their own.
void join_neighbours(std::vector<Message>& messages) {
  std::vector<Message> joined;
  for (Message& message : messages) {
    const bool same =
        !joined.empty() && joined.back().role == message.role && message.role != Role::kTool && joined.back().tool_calls.empty();
    if (!same) {
      joined.push_back(std::move(message));
      continue;
    }
    append_paragraph(joined.back().text, message.text);
    joined.back().tool_calls = std::move(message.tool_calls);
  }
  messages = std::move(joined);
}

// System messages that the template does not know become the beginning of the user's turn that
// follows them, or a turn of the user.
void system_to_user(std::vector<Message>& messages, const TemplateAbilities& abilities) {
  std::vector<Message> shaped;
  bool pending = false;  // the last of `shaped` was a system message
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Message& message = messages[i];
    const bool known = abilities.system_role && (i == 0 || abilities.inner_system);
    const bool unknown = message.role == Role::kSystem && !known;
    if (unknown) message.role = Role::kUser;
    if (pending && message.role == Role::kUser) {
      append_paragraph(shaped.back().text, message.text);
    } else {
      shaped.push_back(std::move(message));
    }
    pending = unknown;
  }
  messages = std::move(shaped);
}

}  // namespace

Conversation shape(Conversation conversation, const TemplateAbilities& abilities) {
  if (!abilities.tools && !conversation.tools.empty()) tools_to_text(conversation);
  for (Message& message : conversation.messages) {
    if (!abilities.tool_calls && !message.tool_calls.empty()) calls_to_text(message);
    if (!abilities.tool_results && message.role == Role::kTool) result_to_text(message);
  }
  system_to_user(conversation.messages, abilities);
  if (!abilities.repeated_roles) join_neighbours(conversation.messages);
  return conversation;
}

}  // namespace pensieve::engine
