// An archive that keeps all in memory, for tests.
#pragma once

#include <map>
#include <utility>

#include "engine/state_archive.h"
#include "engine/state_index.h"

namespace pensieve::engine {

class MemoryArchive final : public StateArchive {
 public:
  [[nodiscard]] std::vector<StatePiece> find(const StateId& parent, std::span<const Token> tokens, std::size_t reach) override {
    return index_.find(parent, tokens, reach);
  }
  [[nodiscard]] bool contains(const StateId& id) override { return index_.contains(id); }
  void store(StatePiece piece, std::vector<char> state) override {
    ++stores;
    states[piece.id] = std::move(state);
    index_.add(std::move(piece));
  }
  std::optional<std::vector<char>> read(const StatePiece& piece) override {
    ++reads;
    const auto found = states.find(piece.id);
    if (found != states.end()) return found->second;
    remove(piece.id);
    return std::nullopt;
  }
  void remove(const StateId& id) override {
    index_.remove(id);
    states.erase(id);
  }

  std::map<StateId, std::vector<char>> states;
  int stores = 0;
  int reads = 0;

 private:
  StateIndex index_;
};

}  // namespace pensieve::engine
