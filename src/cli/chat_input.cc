#include "cli/chat_input.h"

#include <algorithm>
#include <array>
#include <format>
#include <utility>
#include <vector>

#include "config/nearest.h"

namespace pensieve::cli {
namespace {

constexpr std::string_view kCode = "```";
constexpr std::string_view kQuotes = "\"\"\"";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

struct Known {
  std::string_view name;
  ChatCommand::Kind kind;
};

using Kind = ChatCommand::Kind;
constexpr auto kCommands = std::to_array<Known>({{"/help", Kind::kHelp},
                                                 {"/model", Kind::kModel},
                                                 {"/system", Kind::kSystem},
                                                 {"/clear", Kind::kClear},
                                                 {"/save", Kind::kSave},
                                                 {"/regenerate", Kind::kRegenerate},
                                                 {"/exit", Kind::kExit}});

}  // namespace

std::optional<std::string> MessageReader::finish() {
  mode_ = Mode::kNone;
  return std::exchange(text_, {});
}

std::optional<std::string> MessageReader::push(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  switch (mode_) {
    case Mode::kCode:
      return push_code(line);
    case Mode::kQuoted:
      return push_quoted(line);
    default:
      return push_plain(line);
  }
}

std::optional<std::string> MessageReader::push_plain(std::string_view line) {
  const std::string_view bare = trimmed(line);
  // A complete """text""" in one line is one message.
  if (bare.size() >= 2 * kQuotes.size() && bare.starts_with(kQuotes) && bare.ends_with(kQuotes)) {
    text_ += bare.substr(kQuotes.size(), bare.size() - 2 * kQuotes.size());
    return finish();
  }
  if (bare.starts_with(kQuotes)) {
    mode_ = Mode::kQuoted;
    if (bare.size() > kQuotes.size()) text_ += std::string(bare.substr(kQuotes.size())) + "\n";
    return std::nullopt;
  }
  if (bare.starts_with(kCode) && bare.find(kCode, kCode.size()) == std::string_view::npos) {
    mode_ = Mode::kCode;
    text_ += std::string(line) + "\n";
    return std::nullopt;
  }
  if (line.ends_with('\\')) {
    mode_ = Mode::kContinued;
    text_ += std::string(line.substr(0, line.size() - 1)) + "\n";
    return std::nullopt;
  }
  text_ += line;
  return finish();
}

std::optional<std::string> MessageReader::push_code(std::string_view line) {
  text_ += line;
  if (trimmed(line) == kCode) return finish();
  text_ += "\n";
  return std::nullopt;
}

std::optional<std::string> MessageReader::push_quoted(std::string_view line) {
  const std::string_view bare = trimmed(line);
  if (!bare.ends_with(kQuotes)) {
    text_ += std::string(line) + "\n";
    return std::nullopt;
  }
  text_ += bare.substr(0, bare.size() - kQuotes.size());
  if (text_.ends_with('\n')) text_.pop_back();
  return finish();
}

std::string MessageReader::take_rest() {
  mode_ = Mode::kNone;
  std::string rest = std::exchange(text_, {});
  while (rest.ends_with('\n')) rest.pop_back();
  return rest;
}

std::optional<Result<ChatCommand>> parse_chat_command(std::string_view message) {
  if (!message.starts_with('/')) return std::nullopt;
  const std::string_view text = trimmed(message);
  // A path or a fraction is no command: commands are one word of letters after the slash.
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  const std::string_view word = text.substr(0, end);
  if (word.size() < 2 || word.find('/', 1) != std::string_view::npos) return std::nullopt;
  const std::string argument(trimmed(text.substr(end)));
  const auto found = std::ranges::find_if(
      kCommands, [&](const Known& known) { return known.name == word || (word == "/quit" && known.kind == Kind::kExit); });
  if (found == kCommands.end()) {
    std::vector<std::string> names;
    for (const Known& known : kCommands) names.emplace_back(known.name);
    return fail(ErrorCode::kInvalidArgument, std::format("unknown command '{}'", word.substr(0, 40)),
                std::format("did you mean {}? /help lists all; begin with a space to send it as text", nearest(word, names)));
  }
  if (found->kind == Kind::kSave && argument.empty()) {
    return fail(ErrorCode::kInvalidArgument, "/save needs the name of a file", "for example /save talk.md");
  }
  return ChatCommand{found->kind, argument};
}

std::string_view chat_help() {
  return R"(/model NAME    answer with this model (an id, role, alias or auto); without NAME: say which one does
/system TEXT   set the system prompt; without TEXT: remove it
/clear         forget the conversation
/regenerate    answer the last question again
/save FILE     write the conversation to a file
/exit          leave (Ctrl-D does too)
Ctrl-C stops an answer. A line that ends in \ goes on in the next one; ``` or """ opens a block of lines
that the same mark closes.
)";
}

}  // namespace pensieve::cli
