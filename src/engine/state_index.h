// Which pieces of conversations an archive has, and which of them a prompt can use.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/state_archive.h"

namespace pensieve::engine {

class StateIndex {
 public:
  // Adds a piece; one that is there already stays.
  void add(StatePiece piece);
  void remove(const StateId& id);

  [[nodiscard]] bool contains(const StateId& id) const { return pieces_.contains(id); }
  [[nodiscard]] std::size_t size() const { return pieces_.size(); }

  // As StateArchive::find. Takes time by the tokens and by the number of pieces that branch off.
  [[nodiscard]] std::vector<StatePiece> find(const StateId& parent, std::span<const Token> tokens, std::size_t reach) const;

  // Pieces with the same beginning as `piece` that it makes superfluous: what they hold it holds too.
  [[nodiscard]] std::vector<StateId> covered_by(const StatePiece& piece) const;

 private:
  std::map<StateId, StatePiece> pieces_;
  std::multimap<StateId, StateId> children_;  // by parent
};

}  // namespace pensieve::engine
