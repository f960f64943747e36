// Finds what is asked in a conversation: clients wrap the user's words in reminders, environment
// blocks and tool results, and a short follow-up means nothing without the task it follows.
#pragma once

#include <string>
#include <string_view>

#include "generation/request.h"
#include "selector/assessment.h"

namespace pensieve::selector {

struct TaskText {
  TaskTurn turn = TaskTurn::kNewTask;
  std::string_view current;   // the last user message, without wrappers; may be empty
  std::string_view anchor;    // the task that it continues; empty unless kFollowUp or kToolTurn
  int tool_turns = 0;         // results since the anchor
  int failed_tools = 0;       // of them, failures
  bool coding_agent = false;  // system prompt and tools are those of an agent that edits a repository
};

// Views into `request`. Looks at the last messages only, so that time does not grow with the history.
TaskText find_task(const GenerationRequest& request);

// The user's own words: blocks that clients add ("<system-reminder>...</system-reminder>") at either
// end left out.
std::string_view without_wrappers(std::string_view text);

}  // namespace pensieve::selector
