// What the engine needs to know of a model's vocabulary.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/batch_model.h"

namespace pensieve::engine {

// Tokens of a model that was trained to fill in the middle: prefix text suffix text middle, and then the
// answer.
struct InfillTokens {
  Token prefix = 0;
  Token suffix = 0;
  Token middle = 0;
};

// Immutable; thread-safe.
class Vocabulary {
 public:
  virtual ~Vocabulary() = default;

  [[nodiscard]] virtual std::size_t size() const = 0;

  // True for tokens that end an answer (end of sequence, end of turn, ...).
  [[nodiscard]] virtual bool ends_generation(Token token) const = 0;

  // The bytes of a token, perhaps part of a character. Control tokens have none, unless `special`.
  [[nodiscard]] virtual std::string piece(Token token, bool special) const = 0;

  // Tokens of `text`, without a beginning or end token. With `parse_special` the texts of control
  // tokens become these tokens; otherwise they are read as any other text.
  [[nodiscard]] virtual std::vector<Token> tokenize(std::string_view text, bool parse_special) const = 0;

  // The token that begins a sequence, and whether prompts have to start with it.
  [[nodiscard]] virtual std::optional<Token> begin_token() const = 0;
  [[nodiscard]] virtual bool begins_prompts() const = 0;

  // Empty: the model does not know to fill in the middle.
  [[nodiscard]] virtual std::optional<InfillTokens> infill_tokens() const { return {}; }

  // Texts of the begin and end tokens for chat templates; empty if there are none.
  [[nodiscard]] virtual const std::string& begin_text() const = 0;
  [[nodiscard]] virtual const std::string& end_text() const = 0;

  // Texts that `parse_special` turns into control tokens.
  [[nodiscard]] virtual const std::vector<std::string>& control_texts() const = 0;
};

}  // namespace pensieve::engine
