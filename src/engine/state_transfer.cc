#include "engine/state_transfer.h"

#include <algorithm>
#include <limits>

namespace pensieve::engine {
namespace {

constexpr std::size_t kLeastGain = 8;  // tokens that are read in the time that loading a piece takes

}  // namespace

std::size_t StateTransfer::save_next(SequenceId sequence, std::span<const Token> tokens, const AdapterSpan& adapters, std::size_t saved) {
  if (tokens.size() < kLeastKeptTokens) return tokens.size();
  const std::size_t length = form_.divisible ? kPieceTokens : tokens.size();
  std::size_t begin = 0;
  StateId parent;
  while (begin < tokens.size()) {
    if (begin == adapters.begin) parent = parent_for_adapters(parent, adapters.key);
    const std::size_t most = begin < adapters.begin ? std::min(tokens.size(), adapters.begin) : tokens.size();
    const std::size_t end = std::min(begin + length, most);
    StatePiece piece = state_piece(std::move(parent), begin, tokens.subspan(begin, end - begin));
    parent = piece.id;
    if (end > saved && !archive_.contains(piece.id)) {
      std::vector<char> state = model_.save_state(sequence, begin, end);
      if (state.empty()) return tokens.size();
      token_bytes_ = state.size() / (end - begin);
      archive_.store(std::move(piece), std::move(state));
      return end;
    }
    begin = end;
  }
  return tokens.size();
}

// All pieces from the beginning: those before the adapters act, and where these lead right there, those after.
std::vector<StatePiece> StateTransfer::chain(std::span<const Token> prompt, const AdapterSpan& adapters) {
  const std::size_t reach = form_.divisible ? std::numeric_limits<std::size_t>::max() : form_.reach;
  const auto plain = prompt.first(std::min(prompt.size(), adapters.begin));
  std::vector<StatePiece> pieces = archive_.find({}, plain, reach);
  if (plain.size() == prompt.size()) return pieces;
  const StatePiece* last = pieces.empty() ? nullptr : &pieces.back();
  if ((last ? last->end() : 0) != adapters.begin || (last && !std::ranges::equal(last->tokens, plain.subspan(last->begin)))) return pieces;
  const StateId parent = parent_for_adapters(last ? last->id : StateId(), adapters.key);
  for (StatePiece& piece : archive_.find(parent, prompt.subspan(adapters.begin), reach)) pieces.push_back(std::move(piece));
  return pieces;
}

std::vector<StatePiece> StateTransfer::find(std::span<const Token> prompt, const AdapterSpan& adapters, std::size_t held) {
  std::vector<StatePiece> pieces = chain(prompt, adapters);
  if (pieces.empty()) return {};
  const StatePiece& last = pieces.back();
  const auto rest = prompt.subspan(last.begin);
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(last.tokens, rest).in1 - last.tokens.begin());
  const bool worth_it = last.begin + common >= held + kLeastGain;
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
