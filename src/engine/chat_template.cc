#include "engine/chat_template.h"

#include <algorithm>
#include <format>
#include <minja/chat-template.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "engine/literal_text.h"

namespace pensieve::engine {
namespace {

using Json = nlohmann::ordered_json;

// Marks the end of the message that is to be continued.
constexpr std::string_view kContinueHere = "\uF8F2";

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kSystem: return "system";
    case Role::kUser: return "user";
    case Role::kAssistant: return "assistant";
    case Role::kTool: return "tool";
  }
  return "user";
}

Json parse_or_text(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

Json to_json(const Message& message) {
  Json json = {{"role", role_name(message.role)}, {"content", message.text}};
  if (!message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
  if (message.role == Role::kTool) {
    json["tool_call_id"] = message.tool_call_id;
    if (!message.tool_name.empty()) json["name"] = message.tool_name;
  }
  for (const ToolCall& call : message.tool_calls) {
    json["tool_calls"].push_back(
        {{"id", call.id},
         {"type", "function"},
         {"function", {{"name", call.name}, {"arguments", parse_or_text(call.arguments)}}}});
  }
  return json;
}

Json tools_json(const GenerationRequest& request) {
  Json tools = Json::array();
  if (request.tool_choice == ToolChoice::kNone) return tools;
  for (const ToolDefinition& tool : request.tools) {
    tools.push_back({{"type", "function"},
                     {"function",
                      {{"name", tool.name},
                       {"description", tool.description},
                       {"parameters", parse_or_text(tool.parameters_schema)}}}});
  }
  return tools;
}

// System text goes before the first user message, neighbours of one role become one message, and
// the first message is the user's: what strict templates demand.
std::vector<Message> with_alternating_roles(const std::vector<Message>& messages) {
  std::string system;
  std::vector<Message> out;
  for (const Message& message : messages) {
    if (message.role == Role::kSystem) {
      system += message.text + "\n\n";
      continue;
    }
    Message next = message;
    if (next.role == Role::kTool) next.role = Role::kUser;
    if (!out.empty() && out.back().role == next.role) {
      out.back().text += "\n\n" + next.text;
    } else {
      out.push_back(std::move(next));
    }
  }
  if (out.empty() || out.front().role != Role::kUser) {
    out.insert(out.begin(), Message{.role = Role::kUser});
  }
  out.front().text = system + out.front().text;
  return out;
}

}  // namespace

struct ChatTemplate::State {
  minja::chat_template chat;
  LiteralText literal;

  std::string render(const std::vector<Message>& messages, const GenerationRequest& request) const {
    minja::chat_template_inputs inputs;
    inputs.messages = Json::array();
    for (const Message& message : messages) inputs.messages.push_back(to_json(message));
    inputs.tools = tools_json(request);
    inputs.add_generation_prompt = !request.continue_last_message;
    if (request.thinking) inputs.extra_context = {{"enable_thinking", *request.thinking}};
    std::string prompt = chat.apply(inputs);
    if (!request.continue_last_message) return prompt;
    const std::size_t end = prompt.rfind(kContinueHere);
    if (end == std::string::npos) throw std::runtime_error("it drops the last message's text");
    return prompt.substr(0, end);
  }
};

ChatTemplate::ChatTemplate(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::parse(const std::string& source, const std::string& bos,
                                         const std::string& eos,
                                         std::vector<std::string> control_texts) {
  try {
    return ChatTemplate(std::unique_ptr<State>(
        new State{minja::chat_template(source, bos, eos), LiteralText(control_texts)}));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument,
                std::format("the chat template can't be read: {}", error.what()));
  }
}

Result<std::vector<PromptPart>> ChatTemplate::render(const GenerationRequest& request) const {
  LiteralText::Replaced replaced;
  std::vector<Message> messages = request.messages;
  for (Message& message : messages) message.text = state_->literal.protect(message.text, replaced);
  if (request.continue_last_message && !messages.empty()) messages.back().text += kContinueHere;
  std::string refusal;
  for (const bool joined : {false, true}) {
    try {
      const std::string prompt =
          state_->render(joined ? with_alternating_roles(messages) : messages, request);
      return LiteralText::split(prompt, replaced);
    } catch (const std::exception& error) {
      refusal = error.what();
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              std::format("the model's chat template refuses these messages: {}", refusal), "",
              "messages");
}

}  // namespace pensieve::engine
