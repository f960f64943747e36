// The LoRA adapters that a request's tokens are computed with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "engine/batch_token.h"

namespace pensieve::engine {

class LoadedAdapter;  // libllama's (adapter_registry.h)

// Loaded and ready. Tokens computed with different sets can't share a batch, nor a cached prefix.
struct AdapterSet {
  std::uint64_t key = 0;  // tells sets of other content or scale apart; never 0
  std::vector<std::shared_ptr<LoadedAdapter>> adapters;
  std::vector<float> scales;
  // Of an activated adapter (aLoRA): it acts from the last place where these stand in the prompt on.
  std::vector<Token> invocation;
};
using AdapterSetPointer = std::shared_ptr<const AdapterSet>;  // null: the model as it is

// From which token on a sequence is computed with which set; before `begin`, and with key 0, without any.
struct AdapterSpan {
  std::uint64_t key = 0;
  std::size_t begin = std::numeric_limits<std::size_t>::max();
  bool operator==(const AdapterSpan&) const = default;
};

// Tokens that two sequences of equal text could share.
inline std::size_t shareable(const AdapterSpan& a, const AdapterSpan& b) {
  return a == b ? std::numeric_limits<std::size_t>::max() : std::min(a.begin, b.begin);
}

// Where the set acts on the prompt: everywhere, or from its invocation on (nowhere without one).
inline AdapterSpan span_of(const AdapterSetPointer& set, std::span<const Token> prompt) {
  if (!set) return {};
  if (set->invocation.empty()) return {set->key, 0};
  const auto found = std::ranges::find_end(prompt, set->invocation);
  return found.empty() ? AdapterSpan{} : AdapterSpan{set->key, static_cast<std::size_t>(found.begin() - prompt.begin())};
}

}  // namespace pensieve::engine
