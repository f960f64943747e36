#include "engine/chat_template.h"

#include <exception>
#include <format>
#include <minja/chat-template.hpp>
#include <utility>

namespace pensieve::engine {
namespace {

using Json = nlohmann::ordered_json;

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

Json message_json(const Message& message) {
  Json json{{"role", role_name(message.role)}, {"content", message.text}};
  if (!message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
  if (message.role == Role::kTool) {
    json["tool_call_id"] = message.tool_call_id;
    if (!message.tool_name.empty()) json["name"] = message.tool_name;
  }
  if (message.tool_calls.empty()) return json;
  Json calls = Json::array();
  for (const ToolCall& call : message.tool_calls) {
    const Json function{{"name", call.name}, {"arguments", call.arguments}};
    calls.push_back({{"id", call.id}, {"type", "function"}, {"function", function}});
  }
  json["tool_calls"] = std::move(calls);
  return json;
}

Json tool_json(const ToolDefinition& tool) {
  Json function{{"name", tool.name}, {"description", tool.description}};
  Json schema = Json::parse(tool.parameters_schema, nullptr, false);
  function["parameters"] = schema.is_object() ? std::move(schema) : Json{{"type", "object"}, {"properties", Json::object()}};
  return {{"type", "function"}, {"function", std::move(function)}};
}

Message say(Role role, std::string text) {
  Message message;
  message.role = role;
  message.text = std::move(text);
  return message;
}

}  // namespace

struct ChatTemplate::Parsed {
  Parsed(const std::string& source, const std::string& begin_text, const std::string& end_text) : minja(source, begin_text, end_text) {}

  // May throw.
  [[nodiscard]] std::string render(const Conversation& conversation, bool answer_follows, std::optional<bool> thinking) const {
    minja::chat_template_inputs inputs;
    inputs.messages = Json::array();
    for (const Message& message : conversation.messages) {
      inputs.messages.push_back(message_json(message));
    }
    if (!conversation.tools.empty()) {
      inputs.tools = Json::array();
      for (const auto& tool : conversation.tools) inputs.tools.push_back(tool_json(tool));
    }
    inputs.add_generation_prompt = answer_follows;
    if (thinking) inputs.extra_context = {{"enable_thinking", *thinking}, {"thinking", *thinking}};
    minja::chat_template_options options;
    options.polyfill_tools = false;
    options.polyfill_tool_calls = false;
    options.polyfill_tool_responses = false;
    options.polyfill_system_role = false;
    return minja.apply(inputs, options);
  }

  // True if the messages can be rendered and all their texts come through.
  [[nodiscard]] bool keeps(std::vector<Message> messages) const {
    const Conversation conversation{std::move(messages), {}};
    try {
      const std::string text = render(conversation, true, std::nullopt);
      for (const Message& message : conversation.messages) {
        if (!text.contains(message.text)) return false;
      }
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

  void find_abilities() {
    const Message question = say(Role::kUser, "first needle");
    const Message answer = say(Role::kAssistant, "second needle");
    const Message system = say(Role::kSystem, "third needle");
    const Message again = say(Role::kUser, "fourth needle");
    abilities.system_role = keeps({system, question});
    abilities.inner_system = abilities.system_role && keeps({question, answer, system, again}) && keeps({question, system});
    abilities.repeated_roles = keeps({question, again});
    const auto& found = minja.original_caps();
    abilities.tools = found.supports_tools;
    abilities.tool_calls = found.supports_tool_calls;
    abilities.tool_results = found.supports_tool_responses;
  }

  minja::chat_template minja;
  TemplateAbilities abilities;
};

Result<ChatTemplate> ChatTemplate::parse(const std::string& source, const std::string& begin_text, const std::string& end_text) {
  try {
    auto parsed = std::make_shared<Parsed>(source, begin_text, end_text);
    parsed->find_abilities();
    if (!parsed->keeps({say(Role::kUser, "a question")})) {
      return fail(ErrorCode::kUnsupported, "the chat template does not render a question");
    }
    return ChatTemplate(std::move(parsed));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kUnsupported, std::format("the chat template can't be parsed: {}", error.what()));
  }
}

const std::string& ChatTemplate::source() const { return parsed_->minja.source(); }

const TemplateAbilities& ChatTemplate::abilities() const { return parsed_->abilities; }

Result<std::string> ChatTemplate::render(const Conversation& conversation, bool answer_follows, std::optional<bool> thinking) const {
  constexpr TemplateAbilities kLeast{false, false, false, false, false, false};
  std::string reason;
  for (const TemplateAbilities& abilities : {parsed_->abilities, kLeast}) {
    try {
      return parsed_->render(shape(conversation, abilities), answer_follows, thinking);
    } catch (const std::exception& error) {
      if (reason.empty()) reason = error.what();
    }
  }
  return fail(ErrorCode::kInvalidArgument, std::format("the model's chat template refuses these messages: {}", reason),
              "let user and assistant take turns, beginning with the user", "messages");
}

}  // namespace pensieve::engine
