#include "engine/drafter.h"

#include <algorithm>
#include <bit>

namespace pensieve::engine {
namespace {

constexpr double kMostSeen = 32;  // guesses that an accuracy is averaged over

}  // namespace

void Drafter::Accuracy::record(bool right) {
  seen_ = std::min(seen_ + 1, kMostSeen);
  rate_ += ((right ? 1.0 : 0.0) - rate_) / seen_;
}

Drafter::Accuracy& Drafter::accuracy_after(std::size_t agreed) {
  return accuracies_[std::min<std::size_t>(std::bit_width(agreed) - 2, accuracies_.size() - 1)];
}

void Drafter::learn(std::span<const Token> text) {
  for (std::size_t i = 0; i < guessed_.size() && guessed_at_ + i < text.size(); ++i) {
    const bool right = guessed_[i] == text[guessed_at_ + i];
    accuracy_after(agreed_ + i).record(right);
    if (!right) break;
  }
  guessed_.clear();
}

Drafter::Draft Drafter::guess(std::span<const Token> text, std::size_t most) {
  learn(text);
  Draft draft;
  const auto match = index_.find(text);
  if (!match || most == 0) return draft;
  double chance = 1;
  for (std::size_t i = 0; i < most; ++i) {
    // The earlier place may be so near that what follows it is the guess itself: a repetition.
    const std::size_t at = match->next + i;
    draft.tokens.push_back(at < text.size() ? text[at] : draft.tokens[at - text.size()]);
    // A guess that follows right ones has a place that agrees for longer.
    chance *= accuracy_after(match->agreed + i).rate();
    draft.chances.push_back(chance);
  }
  guessed_ = draft.tokens;
  agreed_ = match->agreed;
  guessed_at_ = text.size();
  return draft;
}

}  // namespace pensieve::engine
