// What a person types in `pensieve chat`: lines into messages and commands. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve::cli {

// Joins lines to messages. A line that is ``` or """ (""" may have text beside it) opens a block
// that the same mark closes; a line that ends in a backslash goes on in the next one. ``` stays in
// the message, as it marks code for the model; """ does not.
class MessageReader {
 public:
  // The message that `line` completes; empty while it goes on.
  std::optional<std::string> push(std::string_view line);

  // True if a message has begun, so that the next line belongs to it.
  [[nodiscard]] bool open() const { return mode_ != Mode::kNone; }

  // What was typed of an unfinished message, which then is forgotten.
  std::string take_rest();

 private:
  enum class Mode { kNone, kContinued, kCode, kQuoted };

  std::optional<std::string> push_plain(std::string_view line);
  std::optional<std::string> push_code(std::string_view line);
  std::optional<std::string> push_quoted(std::string_view line);
  std::optional<std::string> finish();

  Mode mode_ = Mode::kNone;
  std::string text_;
};

struct ChatCommand {
  enum class Kind { kHelp, kModel, kSystem, kClear, kSave, kRegenerate, kExit };
  Kind kind = Kind::kHelp;
  std::string argument;
};

// Empty if `message` is no command ("/help ...", from its first character on). Error kInvalidArgument for an unknown command,
// which names the nearest one, and for /save without a file.
std::optional<Result<ChatCommand>> parse_chat_command(std::string_view message);

// One line a command, for /help.
std::string_view chat_help();

}  // namespace pensieve::cli
