#include "selector/conversation.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "selector/text_scan.h"

namespace pensieve::selector {
namespace {

// Blocks that clients put around the user's words. Name of the tag, without brackets.
constexpr std::array<std::string_view, 20> kWrapperTags = {"system-reminder",
                                                           "environment_context",
                                                           "user_instructions",
                                                           "environment_details",
                                                           "local-command-stdout",
                                                           "local-command-caveat",
                                                           "command-message",
                                                           "command-name",
                                                           "ide_selection",
                                                           "ide_opened_file",
                                                           "open_files",
                                                           "attached_files",
                                                           "git_status",
                                                           "additional_data",
                                                           "context",
                                                           "env",
                                                           "file",
                                                           "files",
                                                           "INSTRUCTIONS",
                                                           "permissions instructions"};

// Messages that clients write in the user's name to show files; they ask for nothing.
constexpr std::array<std::string_view, 4> kShowsFiles = {
    "I have *added these files to the chat*", "Here are summaries of some files present in my git repository",
    "I am working with you on code in a git repository", "Here are some files with extra context"};

// Messages looked at from the end: further back nothing is the present task.
constexpr std::size_t kHistory = 64;
constexpr std::size_t kShortWords = 14;
constexpr std::size_t kShortText = 240;
constexpr std::size_t kLongestFirstWord = 16;
constexpr std::size_t kLongestWrapper = 64 * 1024;
constexpr int kMostWrappers = 16;

std::string_view trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

// Length of a wrapper block that `text` begins with; 0: none.
std::size_t leading_block(std::string_view text) {
  if (!text.starts_with('<')) return 0;
  for (const std::string_view tag : kWrapperTags) {
    if (!text.substr(1).starts_with(tag)) continue;
    const std::size_t after = 1 + tag.size();
    if (after >= text.size() || (text[after] != '>' && text[after] != ' ')) continue;
    const std::string closing = "</" + std::string(tag) + ">";
    const std::size_t end = text.substr(0, kLongestWrapper).find(closing, after);
    if (end != std::string_view::npos) return end + closing.size();
  }
  return 0;
}

// Where a wrapper block that `text` ends with begins; the text's size: none.
std::size_t trailing_block(std::string_view text) {
  if (!text.ends_with('>')) return text.size();
  for (const std::string_view tag : kWrapperTags) {
    const std::string closing = "</" + std::string(tag) + ">";
    if (!text.ends_with(closing)) continue;
    const std::size_t skipped = text.size() - std::min(text.size(), kLongestWrapper);
    const std::size_t begin = text.substr(skipped).rfind("<" + std::string(tag));
    if (begin != std::string_view::npos) return skipped + begin;
  }
  return text.size();
}

// In lower case, ASCII letters only.
std::string folded(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

// `text` in lower case already.
bool has_any(std::string_view text, std::initializer_list<std::string_view> needles) {
  return std::ranges::any_of(needles, [&](std::string_view needle) { return text.contains(needle); });
}

std::string_view system_text(const GenerationRequest& request) {
  for (const Message& message : request.messages) {
    if (message.role == Role::kSystem && message.text.size() > 40) return message.text;
  }
  return {};
}

// A client's own small call has no tools and a system prompt, or a question, about the conversation.
bool is_side_call(const GenerationRequest& request, std::string_view current) {
  if (!request.tools.empty()) return false;
  const std::string system = folded(system_text(request).substr(0, 2000));
  if (has_any(system, {"title generator", "generate a title", "concise title", "short title", "isnewtopic", "new conversation topic",
                       "title for this", "session title", "commit message", "summarize this coding conversation in under",
                       "output only the title"})) {
    return true;
  }
  const std::string head = folded(current.substr(0, 400));
  return has_any(head, {"generate a title for", "generate a concise title", "write a 5-10 word title", "suggest 3-5 relevant follow-up",
                        "generate 1-3 broad tags"}) ||
         head == "quota";
}

bool is_coding_agent(const GenerationRequest& request) {
  const std::string system = folded(system_text(request).substr(0, 3000));
  if (has_any(system, {"coding agent", "cli tool that helps", "claude code", "codex", "opencode", "software engineering tasks",
                       "search/replace", "expert software developer", "pair program"})) {
    return true;
  }
  return std::ranges::any_of(request.tools, [](const ToolDefinition& tool) {
    return has_any(folded(tool.name), {"bash", "shell", "edit", "apply_patch", "write_file", "read_file", "execute_command"});
  });
}

struct Shape {
  std::size_t words = 0;  // without courtesy at both ends
  bool asks_for_work = false;
  bool only_courtesy = false;
  bool refers_back = false;
};

// Words that go on with what was done, at the start of a message.
constexpr std::array<std::string_view, 20> kContinuations = {"now",  "also", "and",   "continue", "go",   "next",    "yes",
                                                             "then", "same", "again", "try",      "keep", "proceed", "but",
                                                             "do",   "ok",   "okay",  "still",    "no",   "weiter"};

Shape shape_of(std::string_view text) {
  TextScan scan;
  scan_text(text.substr(0, kShortText * 2), scan);
  Shape shape{.words = scan.words.size()};
  shape.only_courtesy = !scan.words.empty() && scan.words.size() <= 8 && std::ranges::all_of(scan.words, [](const Word& word) {
    return word.group == WordGroup::kCourtesy || word.length <= 4;
  }) && std::ranges::any_of(scan.words, [](const Word& word) { return word.group == WordGroup::kCourtesy; });
  shape.asks_for_work = std::ranges::any_of(scan.words, [](const Word& word) {
    return word.group == WordGroup::kHow || word.group == WordGroup::kWhy ||
           (word.group >= WordGroup::kProduce && word.group <= WordGroup::kDebug);
  });
  std::string_view head = trimmed(text);
  head = head.substr(0, kLongestFirstWord);
  std::size_t end = 0;
  while (end < head.size() && std::isalpha(static_cast<unsigned char>(head[end])) != 0) ++end;
  const std::string first = folded(head.substr(0, end));
  const bool continues = std::ranges::find(kContinuations, first) != kContinuations.end();
  shape.refers_back = continues || std::ranges::any_of(scan.words, [](const Word& word) { return word.group == WordGroup::kAnaphora; });
  return shape;
}

// Precondition: `text` is short.
bool closes(std::string_view text, const Shape& shape) {
  const std::string lower = folded(text);
  return shape.words <= 6 && !shape.asks_for_work &&
         has_any(lower,
                 {"thank", "thx", "cheers", "goodbye", "bye", "that's all", "that is all", "perfect", "awesome", "danke", "merci"}) &&
         !has_any(lower, {" but ", " now ", " also ", "can you", "could you", " next", "please ", "?"});
}

bool is_follow_up(std::string_view text, const Shape& shape) {
  if (text.size() > kShortText) return false;
  if (shape.words <= 5) return true;
  return shape.words <= kShortWords * 2 && shape.refers_back;
}

}  // namespace

std::string_view without_wrappers(std::string_view text) {
  std::string_view rest = trimmed(text);
  for (int i = 0; i < kMostWrappers; ++i) {
    const std::size_t length = leading_block(rest);
    if (length == 0) break;
    rest = trimmed(rest.substr(length));
  }
  for (int i = 0; i < kMostWrappers; ++i) {
    const std::size_t begin = trailing_block(rest);
    if (begin == rest.size()) break;
    rest = trimmed(rest.substr(0, begin));
  }
  return rest;
}

TaskText find_task(const GenerationRequest& request) {
  TaskText task;
  if (request.prompt_kind != PromptKind::kMessages) {
    task.current = request.prompt;
    return task;
  }
  task.coding_agent = is_coding_agent(request);
  const std::vector<Message>& messages = request.messages;
  const std::size_t oldest = messages.size() > kHistory ? messages.size() - kHistory : 0;
  bool tool_turn = false;
  for (std::size_t i = messages.size(); i-- > oldest;) {
    const Message& message = messages[i];
    if (message.role == Role::kTool) {
      if (task.current.empty()) tool_turn = true;
      ++task.tool_turns;
      if (message.tool_failed) ++task.failed_tools;
      continue;
    }
    if (message.role != Role::kUser) continue;
    const std::string_view words = without_wrappers(message.text);
    if (words.empty() || std::ranges::any_of(kShowsFiles, [&](std::string_view opening) { return words.starts_with(opening); })) continue;
    const Shape shape = shape_of(words);
    if (task.current.empty()) {
      task.current = words;
      if (is_side_call(request, words)) {
        task.turn = TaskTurn::kSideCall;
        return task;
      }
      if (!is_follow_up(words, shape)) break;
      const bool answered = i > 0 && messages[i - 1].role == Role::kAssistant;
      if (!tool_turn && answered && closes(words, shape)) {
        task.turn = TaskTurn::kClosing;
        return task;
      }
      continue;
    }
    // Further back: the first message that says something by itself is the task.
    if (shape.only_courtesy) continue;
    task.anchor = words;
    task.turn = TaskTurn::kFollowUp;
    if (!is_follow_up(words, shape)) break;
  }
  if (tool_turn) task.turn = TaskTurn::kToolTurn;
  return task;
}

}  // namespace pensieve::selector
