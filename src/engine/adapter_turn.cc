#include "engine/adapter_turn.h"

#include <algorithm>

namespace pensieve::engine {

std::uint64_t AdapterTurn::next(std::span<const AdapterCandidate> candidates, SteadyTime now) {
  const auto is_current = [this](const AdapterCandidate& candidate) { return candidate.key == current_; };
  if (std::ranges::any_of(candidates, is_current) && (now - began_ < kTurn || std::ranges::all_of(candidates, is_current))) return current_;
  // The other that waited longest; the current set again only if there is no other.
  const AdapterCandidate* longest = nullptr;
  for (const AdapterCandidate& candidate : candidates) {
    if (is_current(candidate)) continue;
    if (longest == nullptr || candidate.stepped < longest->stepped) longest = &candidate;
  }
  current_ = longest->key;
  began_ = now;
  return current_;
}

}  // namespace pensieve::engine
