#include "engine/token_groups.h"

namespace pensieve::engine {

TokenGroups::TokenGroups(const Vocabulary& vocabulary) : first_(vocabulary.size(), kBytes), silent_(vocabulary.size(), false) {
  leaders_.fill(-1);
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto token = static_cast<Token>(i);
    if (vocabulary.ends_generation(token)) {
      ends_.push_back(token);
      continue;
    }
    const std::string piece = vocabulary.piece(token, false);
    silent_[i] = piece.empty();
    if (piece.empty()) continue;
    const auto byte = static_cast<unsigned char>(piece.front());
    first_[i] = byte;
    groups_[byte].push_back(token);
    if (piece.size() == 1 && leaders_[byte] < 0) leaders_[byte] = token;
  }
}

std::optional<Token> TokenGroups::of_byte(unsigned char byte) const {
  return leaders_[byte] >= 0 ? std::optional(leaders_[byte]) : std::nullopt;
}

std::span<const Token> TokenGroups::beginning_like(Token token) const {
  const std::uint16_t byte = first_[static_cast<std::size_t>(token)];
  return byte == kBytes ? std::span<const Token>() : groups_[byte];
}

std::optional<Token> TokenGroups::leader_of(Token token) const {
  const std::uint16_t byte = first_[static_cast<std::size_t>(token)];
  return byte == kBytes ? std::nullopt : of_byte(static_cast<unsigned char>(byte));
}

}  // namespace pensieve::engine
