#include "engine/state_index.h"

#include <algorithm>
#include <format>

#include "base/sha256.h"

namespace pensieve::engine {
namespace {

std::size_t common_length(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

StatePiece state_piece(StateId parent, std::size_t begin, std::span<const Token> tokens) {
  Sha256 hash;
  hash.add(parent);
  hash.add({reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()});
  return {hash.hex(), std::move(parent), begin, {tokens.begin(), tokens.end()}};
}

StateId parent_for_adapters(const StateId& parent, std::uint64_t key) {
  return sha256_hex(std::format("adapters {:016x} {}", key, parent));
}

void StateIndex::add(StatePiece piece) {
  if (contains(piece.id)) return;
  children_.emplace(piece.parent, piece.id);
  StateId id = piece.id;
  pieces_.emplace(std::move(id), std::move(piece));
}

void StateIndex::remove(const StateId& id) {
  const auto found = pieces_.find(id);
  if (found == pieces_.end()) return;
  const auto [first, last] = children_.equal_range(found->second.parent);
  const auto link = std::find_if(first, last, [&](const auto& entry) { return entry.second == id; });
  if (link != last) children_.erase(link);
  pieces_.erase(found);
}

std::vector<StatePiece> StateIndex::find(const StateId& parent, std::span<const Token> tokens, std::size_t reach) const {
  std::vector<StatePiece> chain;
  StateId at = parent;
  while (!tokens.empty()) {
    const StatePiece* best = nullptr;
    std::size_t most = 0;
    const auto [first, last] = children_.equal_range(at);
    for (auto child = first; child != last; ++child) {
      const StatePiece& piece = pieces_.at(child->second);
      const std::size_t common = common_length(piece.tokens, tokens);
      if (piece.tokens.size() - common > reach) continue;
      // Of two that share as much the longer one leads on, unless it leads elsewhere.
      const bool leads_on = common == most && best != nullptr && common == piece.tokens.size() && best->tokens.size() != common;
      if (common > most || leads_on) {
        best = &piece;
        most = common;
      }
    }
    if (best == nullptr) break;
    chain.push_back(*best);
    if (most < best->tokens.size()) break;
    at = best->id;
    tokens = tokens.subspan(most);
  }
  return chain;
}

std::vector<StateId> StateIndex::covered_by(const StatePiece& piece) const {
  std::vector<StateId> covered;
  const auto [first, last] = children_.equal_range(piece.parent);
  for (auto child = first; child != last; ++child) {
    const StatePiece& other = pieces_.at(child->second);
    const bool shorter = other.tokens.size() < piece.tokens.size();
    if (shorter && common_length(other.tokens, piece.tokens) == other.tokens.size()) covered.push_back(other.id);
  }
  return covered;
}

}  // namespace pensieve::engine
