// Tokens by their first byte: where a grammar forbids a byte, it forbids all tokens that begin with it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/batch_model.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

// Immutable. Takes a pass over the vocabulary.
class TokenGroups {
 public:
  static constexpr std::size_t kBytes = 256;

  explicit TokenGroups(const Vocabulary& vocabulary);

  // The token of exactly this byte, if the vocabulary has one.
  [[nodiscard]] std::optional<Token> of_byte(unsigned char byte) const;
  // The tokens that begin with the same byte as `token`; none if it has no text.
  [[nodiscard]] std::span<const Token> beginning_like(Token token) const;
  // The token of the byte that `token` begins with.
  [[nodiscard]] std::optional<Token> leader_of(Token token) const;
  // By the token's first byte; kBytes if it has no text.
  [[nodiscard]] std::size_t group_of(Token token) const { return first_[static_cast<std::size_t>(token)]; }
  // True for control tokens, which have no text of their own and end nothing.
  [[nodiscard]] bool is_silent(Token token) const { return silent_[static_cast<std::size_t>(token)]; }
  [[nodiscard]] const std::vector<Token>& ends() const { return ends_; }

 private:
  std::vector<std::uint16_t> first_;  // by token: the first byte, or kBytes if it has no text
  std::vector<bool> silent_;
  std::array<std::vector<Token>, kBytes> groups_;
  std::array<Token, kBytes> leaders_;  // -1: none
  std::vector<Token> ends_;
};

}  // namespace pensieve::engine
