#include "engine/sequence_cache.h"

#include <algorithm>

namespace pensieve::engine {

SequenceCache::SequenceCache(BatchModel& model) : model_(model), slots_(model.limits().sequences) {}

// Tokens of `prompt`, but for its last (whose logits are needed), that `slot` can provide.
std::size_t SequenceCache::usable(std::size_t slot, std::span<const Token> prompt) const {
  const auto& tokens = slots_[slot].tokens;
  const auto wanted = prompt.first(prompt.size() - 1);
  const auto common = std::ranges::mismatch(tokens, wanted).in1 - tokens.begin();
  if (common == 0) return 0;
  return model_.reusable_prefix(static_cast<SequenceId>(slot), static_cast<std::size_t>(common));
}

// The idle slot to overwrite: an empty one, else the one released longest ago.
std::optional<std::size_t> SequenceCache::victim(std::optional<std::size_t> spared) const {
  std::optional<std::size_t> best;
  const auto rank = [&](std::size_t i) { return slots_[i].tokens.empty() ? 0 : slots_[i].released; };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].busy || i == spared) continue;
    if (!best || rank(i) < rank(*best)) best = i;
  }
  return best;
}

std::optional<SequenceCache::Place> SequenceCache::find(std::span<const Token> prompt) const {
  std::size_t source = 0;
  std::size_t cached = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::size_t here = usable(i, prompt);
    const bool better = here > cached || (here == cached && here > 0 && slots_[source].busy && !slots_[i].busy);
    if (better) {
      source = i;
      cached = here;
    }
  }
  const auto place = [&](std::size_t from, std::size_t to) {
    const bool shares = from != to && slots_[from].busy;
    return Place{static_cast<SequenceId>(from), static_cast<SequenceId>(to), cached, shares ? cached : 0};
  };
  if (cached == 0) {
    const auto target = victim(std::nullopt);
    return target ? std::optional(place(*target, *target)) : std::nullopt;
  }
  const bool idle = !slots_[source].busy;
  const bool loses_little = slots_[source].tokens.size() - cached <= cached;
  if (idle && loses_little) return place(source, source);
  if (const auto target = victim(source)) return place(source, *target);
  return idle ? std::optional(place(source, source)) : std::nullopt;
}

std::size_t SequenceCache::take(const Place& place) {
  const auto to = static_cast<std::size_t>(place.sequence);
  Slot& slot = slots_[to];
  std::size_t kept = place.cached;
  if (place.source != place.sequence) {
    empty(to);
    model_.copy(place.source, place.sequence, kept);
    const auto& tokens = slots_[static_cast<std::size_t>(place.source)].tokens;
    slot.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(kept));
  } else if (kept < slot.tokens.size()) {
    kept = model_.truncate(place.sequence, kept);
    slot.tokens.resize(kept);
  }
  slot.busy = true;
  return kept;
}

void SequenceCache::append(SequenceId sequence, std::span<const Token> tokens) {
  auto& held = slots_[static_cast<std::size_t>(sequence)].tokens;
  held.insert(held.end(), tokens.begin(), tokens.end());
}

void SequenceCache::release(SequenceId sequence) {
  Slot& slot = slots_[static_cast<std::size_t>(sequence)];
  slot.busy = false;
  slot.released = ++releases_;
}

void SequenceCache::discard(SequenceId sequence) {
  empty(static_cast<std::size_t>(sequence));
  release(sequence);
}

bool SequenceCache::evict() {
  std::optional<std::size_t> oldest;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].busy || slots_[i].tokens.empty()) continue;
    if (!oldest || slots_[i].released < slots_[*oldest].released) oldest = i;
  }
  if (oldest) empty(*oldest);
  return oldest.has_value();
}

void SequenceCache::empty(std::size_t slot) {
  model_.truncate(static_cast<SequenceId>(slot), 0);
  slots_[slot].tokens.clear();
}

}  // namespace pensieve::engine
