// A conversation in the terminal.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/paths.h"
#include "base/result.h"
#include "cli/chat_input.h"
#include "client/chat.h"

namespace pensieve::cli {

// Keeps what was said and asks the server, which is started if none runs. Prints answers on stdout and
// notes on stderr.
class ChatSession {
 public:
  ChatSession(Paths paths, const Clock& clock, std::string model, std::string system, int max_tokens);

  // Asks and prints the answer as it comes; `stopped` ends it early, and what came so far is kept. On an
  // error the conversation stays as it was before.
  Result<void> say(const std::string& text, const std::function<bool()>& stopped);

  // Everything but /exit and /help.
  Result<void> obey(const ChatCommand& command, const std::function<bool()>& stopped);

 private:
  Result<void> choose_model(const std::string& name);
  Result<void> save(const std::string& file) const;
  Result<void> regenerate(const std::function<bool()>& stopped);

  Paths paths_;
  const Clock& clock_;
  std::string model_;
  std::string system_;
  std::int32_t max_tokens_;
  std::string last_model_;  // that answered last
  std::vector<ChatMessage> said_;
};

}  // namespace pensieve::cli
