// Conversations in the shape that a chat template can take: some templates know no system role, or
// only at the start, no two turns of a role in a row, no tools.
#pragma once

#include <vector>

#include "generation/request.h"

namespace pensieve::engine {

// What a template can do with a conversation.
struct TemplateAbilities {
  bool system_role = true;
  bool inner_system = true;    // a system message after the first place
  bool repeated_roles = true;  // two messages of the same role in a row
  bool tools = true;           // definitions
  bool tool_calls = true;      // in assistant messages
  bool tool_results = true;    // messages of the tool role
};

// A conversation and the tools that are left for the template to render.
struct Conversation {
  std::vector<Message> messages;
  std::vector<ToolDefinition> tools;
};

// The same conversation within `abilities`. What the template can't say becomes text: tools a
// system message, calls and results as <tool_call> and <tool_response> (the form of Hermes 2 Pro,
// which many models know), system messages part of the user's turn. Nothing is dropped.
Conversation shape(Conversation conversation, const TemplateAbilities& abilities);

}  // namespace pensieve::engine
