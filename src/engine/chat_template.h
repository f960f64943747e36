// Jinja chat templates, by minja.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/message_shape.h"

namespace pensieve::engine {

// A parsed template with what it was found to be able to do. Immutable; thread-safe.
class ChatTemplate {
 public:
  // Parses and tries the template. Errors: kUnsupported with the parser's reason, or if it can't
  // render a single question.
  static Result<ChatTemplate> parse(const std::string& source, const std::string& begin_text, const std::string& end_text);

  [[nodiscard]] const TemplateAbilities& abilities() const;
  [[nodiscard]] const std::string& source() const;  // the Jinja text

  // The conversation as the model's prompt, shaped to the template's abilities first, and if it is
  // refused then, to plain turns of user and assistant. With `answer_follows` it ends where the
  // model's answer begins. `thinking`: for templates with a switch for it. Errors:
  // kInvalidArgument, if the template refuses the conversation in either shape.
  [[nodiscard]] Result<std::string> render(const Conversation& conversation, bool answer_follows, std::optional<bool> thinking) const;

 private:
  struct Parsed;
  explicit ChatTemplate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace pensieve::engine
