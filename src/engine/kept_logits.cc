#include "engine/kept_logits.h"

#include <algorithm>

namespace pensieve::engine {

bool KeptLogits::Entry::is_of(std::span<const Token> other, const AdapterSpan& with) const {
  return adapters == with && std::ranges::equal(prompt, other);
}

void KeptLogits::keep(std::span<const Token> prompt, const AdapterSpan& adapters, std::span<const float> logits) {
  const auto same = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.is_of(prompt, adapters); });
  if (same != entries_.end()) {
    bytes_ -= same->bytes();
    entries_.erase(same);
  }
  entries_.push_back({{prompt.begin(), prompt.end()}, adapters, std::make_shared<std::vector<float>>(logits.begin(), logits.end())});
  bytes_ += entries_.back().bytes();
  while (bytes_ > most_bytes_ && entries_.size() > 1) {
    bytes_ -= entries_.front().bytes();
    entries_.pop_front();
  }
}

KeptLogits::Row KeptLogits::find(std::span<const Token> prompt, const AdapterSpan& adapters) const {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.is_of(prompt, adapters); });
  return found == entries_.end() ? nullptr : found->logits;
}

}  // namespace pensieve::engine
