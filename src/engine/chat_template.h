// From a conversation to prompt text by a Jinja chat template.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/llama_model.h"
#include "generation/request.h"

namespace pensieve::engine {

// Immutable after construction; render() may be called from any thread, one at a time.
class ChatTemplate {
 public:
  // `control_texts`: the texts that must not act as control tokens when a client sends them.
  // Error kInvalidArgument: the source is no Jinja that we understand.
  static Result<ChatTemplate> parse(const std::string& source, const std::string& bos,
                                    const std::string& eos, std::vector<std::string> control_texts);

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // The prompt for the next assistant turn, or, with continue_last_message, up to the end of the last
  // message's text. A template that refuses the order of roles is tried again with neighbouring
  // messages of one role joined and the system text before the first user's. Error kInvalidArgument:
  // it refuses that too.
  [[nodiscard]] Result<std::vector<PromptPart>> render(const GenerationRequest& request) const;

 private:
  struct State;
  explicit ChatTemplate(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pensieve::engine
