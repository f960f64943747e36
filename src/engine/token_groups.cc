#include "engine/token_groups.h"

namespace pensieve::engine {

TokenGroups::TokenGroups(const Vocabulary& vocabulary) : first_(vocabulary.size(), kNoGroup), silent_(vocabulary.size(), false) {
  leaders_.fill(-1);
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto token = static_cast<Token>(i);
    if (vocabulary.ends_generation(token)) {
      ends_.push_back(token);
      continue;
    }
    const std::string piece = vocabulary.piece(token, false);
    silent_[i] = piece.empty();
    if (piece.empty() || static_cast<unsigned char>(piece.front()) >= kNoGroup) continue;
    const auto character = static_cast<unsigned char>(piece.front());
    first_[i] = character;
    groups_[character].push_back(token);
    if (piece.size() == 1 && leaders_[character] < 0) leaders_[character] = token;
  }
}

std::optional<Token> TokenGroups::of_character(unsigned char character) const {
  return character < kNoGroup && leaders_[character] >= 0 ? std::optional(leaders_[character]) : std::nullopt;
}

std::span<const Token> TokenGroups::beginning_like(Token token) const {
  const unsigned char character = first_[static_cast<std::size_t>(token)];
  return character == kNoGroup ? std::span<const Token>() : groups_[character];
}

std::optional<Token> TokenGroups::leader_of(Token token) const { return of_character(first_[static_cast<std::size_t>(token)]); }

}  // namespace pensieve::engine
