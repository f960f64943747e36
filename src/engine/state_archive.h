// Where the state of conversations is kept outside of the model's cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/batch_model.h"

namespace pensieve::engine {

// Names a piece by its content: all tokens up to its end, and the adapters that they were computed with.
// Hexadecimal SHA-256.
using StateId = std::string;

// The state of tokens [begin, begin + tokens.size()) of some conversation, without the state itself.
struct StatePiece {
  StateId id;
  StateId parent;  // the piece that ends at `begin`, or what adapters make of its name; empty: none
  std::size_t begin = 0;
  std::vector<Token> tokens;

  [[nodiscard]] std::size_t end() const { return begin + tokens.size(); }
};

// The piece that follows `parent` with these tokens.
StatePiece state_piece(StateId parent, std::size_t begin, std::span<const Token> tokens);

// What pieces that a set of adapters has computed follow: the piece before the adapters begin to act, or
// nothing. `key` as AdapterSet's. So no piece of one set leads to a piece of another.
StateId parent_for_adapters(const StateId& parent, std::uint64_t key);

// Used by the engine thread. What it can't keep or finds damaged it forgets: losing a state costs time only.
class StateArchive {
 public:
  virtual ~StateArchive() = default;

  // The pieces after `parent` (empty: from the beginning) that together begin as `tokens` do, in order:
  // each but the last is all within `tokens`, the last may go on otherwise for at most `reach` tokens.
  [[nodiscard]] virtual std::vector<StatePiece> find(const StateId& parent, std::span<const Token> tokens, std::size_t reach) = 0;

  [[nodiscard]] virtual bool contains(const StateId& id) = 0;

  // Keeps a piece. Returns at once unless much is waiting to be written.
  virtual void store(StatePiece piece, std::vector<char> state) = 0;

  // The state of a piece; empty if it is gone or damaged.
  virtual std::optional<std::vector<char>> read(const StatePiece& piece) = 0;

  // Forgets a piece that turned out to be useless.
  virtual void remove(const StateId& id) = 0;
};

}  // namespace pensieve::engine
