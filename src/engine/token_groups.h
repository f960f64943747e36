// Tokens by their first character: where a grammar forbids a character, it forbids all tokens that begin
// with it.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "engine/batch_model.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

// Immutable. Takes a pass over the vocabulary.
class TokenGroups {
 public:
  explicit TokenGroups(const Vocabulary& vocabulary);

  // The token of exactly this ASCII character, if the vocabulary has one.
  [[nodiscard]] std::optional<Token> of_character(unsigned char character) const;
  // The tokens that begin with the same ASCII character as `token`; none for others.
  [[nodiscard]] std::span<const Token> beginning_like(Token token) const;
  // The character's own token for the group of `token`.
  [[nodiscard]] std::optional<Token> leader_of(Token token) const;
  // True for control tokens, which have no text of their own and end nothing.
  [[nodiscard]] bool is_silent(Token token) const { return silent_[static_cast<std::size_t>(token)]; }
  [[nodiscard]] const std::vector<Token>& ends() const { return ends_; }

 private:
  static constexpr unsigned char kNoGroup = 0x80;

  std::vector<unsigned char> first_;  // by token: the first character, or kNoGroup
  std::vector<bool> silent_;
  std::array<std::vector<Token>, 0x80> groups_;
  std::array<Token, 0x80> leaders_;
  std::vector<Token> ends_;
};

}  // namespace pensieve::engine
