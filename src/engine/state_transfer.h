// Moves conversations between the model's cache and an archive, in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/adapter_set.h"
#include "engine/batch_model.h"
#include "engine/state_archive.h"

namespace pensieve::engine {

// Tokens of a piece where a state can be divided: small enough that saving or loading one fits between
// two steps, large enough that a file is worth it.
inline constexpr std::size_t kPieceTokens = 256;

// Shorter conversations are read again faster than they are kept.
inline constexpr std::size_t kLeastKeptTokens = 32;

// Used by the engine thread.
class StateTransfer {
 public:
  // Both outlive it.
  StateTransfer(BatchModel& model, StateArchive& archive) : model_(model), archive_(archive), form_(model.state_form()) {}

  // Saves the next piece of a sequence that is not in the archive, beyond the first `saved` of its
  // tokens, which are. `adapters`: what they were computed with; a piece ends where those begin to act.
  // Returns how many are saved then: all of them once nothing is left to do.
  std::size_t save_next(SequenceId sequence, std::span<const Token> tokens, const AdapterSpan& adapters, std::size_t saved);

  // The pieces, computed with `adapters`, that take a sequence which has the first `held` tokens of
  // `prompt` further. The first of them may begin before `held`, at a token that the sequence has to be
  // cut back to.
  [[nodiscard]] std::vector<StatePiece> find(std::span<const Token> prompt, const AdapterSpan& adapters, std::size_t held);

  enum class Loading : std::uint8_t { kDone, kRefused, kGone };
  // Appends a piece to a sequence that holds what is before it. kRefused: by the model, for lack of cells
  // or because the piece is none of its; kGone: the archive has it no more.
  Loading load(SequenceId sequence, const StatePiece& piece);

  // Bytes of a saved token, as far as known.
  [[nodiscard]] std::size_t token_bytes() const { return token_bytes_; }

  // Forgets a piece that the model refuses without need.
  void forget(const StatePiece& piece) { archive_.remove(piece.id); }

 private:
  [[nodiscard]] std::vector<StatePiece> chain(std::span<const Token> prompt, const AdapterSpan& adapters);

  BatchModel& model_;
  StateArchive& archive_;
  BatchModel::StateForm form_;
  std::size_t token_bytes_ = 0;
};

}  // namespace pensieve::engine
