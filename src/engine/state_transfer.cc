#include "engine/state_transfer.h"

#include <algorithm>
#include <limits>

namespace pensieve::engine {

std::size_t StateTransfer::save_next(SequenceId sequence, std::span<const Token> tokens, std::size_t saved) {
  if (tokens.size() < kLeastKeptTokens) return tokens.size();
  const std::size_t length = form_.divisible ? kPieceTokens : tokens.size();
  std::size_t begin = 0;
  StateId parent;
  while (begin < tokens.size()) {
    const std::size_t end = std::min(begin + length, tokens.size());
    StatePiece piece = state_piece(std::move(parent), begin, tokens.subspan(begin, end - begin));
    parent = piece.id;
    if (end > saved && !archive_.contains(piece.id)) {
      std::vector<char> state = model_.save_state(sequence, begin, end);
      if (state.empty()) return tokens.size();
      archive_.store(std::move(piece), std::move(state));
      return end;
    }
    begin = end;
  }
  return tokens.size();
}

std::vector<StatePiece> StateTransfer::find(std::span<const Token> prompt, std::size_t held) {
  const std::size_t reach = form_.divisible ? std::numeric_limits<std::size_t>::max() : form_.reach;
  std::vector<StatePiece> pieces = archive_.find(prompt, reach);
  if (pieces.empty()) return {};
  const StatePiece& last = pieces.back();
  const auto rest = prompt.subspan(last.begin);
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(last.tokens, rest).in1 - last.tokens.begin());
  const bool worth_it = last.begin + common >= held + kLeastKeptTokens;
  if (!worth_it) return {};
  std::erase_if(pieces, [&](const StatePiece& piece) { return piece.end() <= held; });
  return pieces;
}

StateTransfer::Loading StateTransfer::load(SequenceId sequence, const StatePiece& piece) {
  const auto state = archive_.read(piece);
  if (!state) return Loading::kGone;
  return model_.load_state(sequence, piece.begin, piece.end(), *state) ? Loading::kDone : Loading::kRefused;
}

}  // namespace pensieve::engine
