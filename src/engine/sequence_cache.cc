#include "engine/sequence_cache.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace pensieve::engine {
namespace {

constexpr std::size_t kTokensBetweenCheckpoints = 1024;
constexpr std::size_t kAnswerTokens = 512;                // an answer that is asked for again is hardly longer
constexpr std::size_t kMostCheckpointBytes = 64U << 20U;  // of one sequence
constexpr std::size_t kPassesUntilMoved = 8;              // steps that read as many cells in vain as there are to move
constexpr std::size_t kSavedAtRest = 16U << 20U;          // bytes of a conversation that are soon written
constexpr std::size_t kLeastSkipped = 128;                // cells; libllama reads 256 at a time

constexpr std::size_t kMostLeftBehind = 64;  // tokens of all idle sequences that are too short for the archive
constexpr std::size_t kReadPerDecoded = 4;   // a prompt's tokens pass by together, that many for the cost of one
constexpr std::size_t kSavedPerRead = 8;     // tokens saved for each one that is read

// Tokens that pass an idle conversation before it leaves. A short one is back at once, and gone at once if it is saved
// already; a long one that an agent interrupts with a short question should not have to come back after each.
std::size_t patience(std::size_t tokens, bool saved) {
  return saved ? std::clamp<std::size_t>(tokens / 64, 1, 64) : std::clamp<std::size_t>(tokens / 32, 4, 64);
}

}  // namespace

SequenceCache::SequenceCache(BatchModel& model, StateArchive* archive)
    : model_(model), slots_(model.limits().sequences), needs_checkpoints_(!model.state_form().divisible) {
  if (archive != nullptr) transfer_.emplace(model, *archive);
}

// Tokens of `wanted` that `slot` can provide.
std::size_t SequenceCache::usable(std::size_t slot, std::span<const Token> wanted, const AdapterSpan& adapters) const {
  const auto& tokens = slots_[slot].tokens;
  const auto alike = wanted.first(std::min(wanted.size(), shareable(slots_[slot].adapters, adapters)));
  const auto common = std::ranges::mismatch(tokens, alike).in1 - tokens.begin();
  if (common == 0) return 0;
  const std::size_t reusable = model_.reusable_prefix(static_cast<SequenceId>(slot), static_cast<std::size_t>(common));
  if (reusable > 0 || slots_[slot].busy) return reusable;
  const Checkpoints::Entry* checkpoint = slots_[slot].checkpoints.best(static_cast<std::size_t>(common));
  return checkpoint ? checkpoint->length : 0;
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

std::optional<SequenceCache::Place> SequenceCache::find(std::span<const Token> wanted, const AdapterSpan& adapters) const {
  std::size_t source = 0;
  std::size_t cached = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::size_t here = usable(i, wanted, adapters);
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
  const std::size_t lost = slots_[source].tokens.size() - cached;
  // A checkpoint is of use in its own sequence only.
  if (needs_checkpoints_ && model_.reusable_prefix(static_cast<SequenceId>(source), cached) != cached) {
    const auto other = victim(source);
    if (lost <= cached || !other) return place(source, source);
    cached = 0;
    return place(*other, *other);
  }
  // The same prompt again takes its sequence over: in other cells its attention is added up in another
  // order, which can turn a greedy answer where two tokens are as good as equal.
  const bool asked_again = cached == wanted.size() && lost <= kAnswerTokens;
  if (idle && (lost < kLeastKeptTokens || asked_again)) return place(source, source);
  const auto target = victim(source);
  // A branch of a conversation leaves it as it is where that costs no other conversation more.
  const bool costs_nothing = target && (slots_[*target].tokens.empty() || transfer_);
  if (idle && !costs_nothing && lost <= cached) return place(source, source);
  if (target) return place(source, *target);
  return idle ? std::optional(place(source, source)) : std::nullopt;
}

void SequenceCache::add_archived(Place& place, std::span<const Token> wanted, const AdapterSpan& adapters) {
  if (!transfer_ || wanted.empty()) return;
  place.archived = transfer_->find(wanted, adapters, place.cached);
  if (place.archived.empty()) return;
  // The pieces follow from where the first begins; what the cells hold beyond comes with it.
  const std::size_t begin = place.archived.front().begin;
  place.cached = begin == 0 ? 0 : model_.reusable_prefix(place.source, begin);
  if (place.cached != begin) {
    place.cached = 0;
    place.archived = transfer_->find(wanted, adapters, 0);
  }
  place.shared = std::min(place.shared, place.cached);
}

std::size_t SequenceCache::load(SequenceId sequence, const StatePiece& piece, std::span<const Token> wanted) {
  const auto at = static_cast<std::size_t>(sequence);
  Slot& slot = slots_[at];
  const std::size_t before = slot.tokens.size();
  if (piece.begin != before) return before;
  for (;;) {
    const StateTransfer::Loading loading = transfer_->load(sequence, piece);
    if (loading == StateTransfer::Loading::kDone) break;
    if (loading == StateTransfer::Loading::kGone) return before;
    const bool full = held_cells() + piece.tokens.size() > model_.limits().cells;
    if (!full) transfer_->forget(piece);
    if (!full || !evict()) return before;
  }
  place(slot);
  slot.tokens.insert(slot.tokens.end(), piece.tokens.begin(), piece.tokens.end());
  slot.saved = slot.tokens.size();
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(slot.tokens, wanted).in1 - slot.tokens.begin());
  if (common < slot.tokens.size()) {
    const bool possible = model_.reusable_prefix(sequence, common) == common;
    cut(at, possible ? common : 0);
  }
  return slot.tokens.size();
}

std::size_t SequenceCache::take(const Place& place, const AdapterSpan& adapters) {
  const auto to = static_cast<std::size_t>(place.sequence);
  Slot& slot = slots_[to];
  const std::size_t kept = place.cached;
  const bool same_adapters = slots_[static_cast<std::size_t>(place.source)].adapters == adapters;
  if (place.source != place.sequence) {
    empty(to);
    if (kept > 0) model_.copy(place.source, place.sequence, kept);
    const auto& tokens = slots_[static_cast<std::size_t>(place.source)].tokens;
    slot.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(kept));
    slot.saved = std::min(kept, slots_[static_cast<std::size_t>(place.source)].saved);
  } else if (kept < slot.tokens.size()) {
    if (slot.tokens.size() - kept >= kLeastKeptTokens) save(to);
    cut(to, kept);
  }
  if (!same_adapters) slot.saved = 0;  // what is saved of the common part may be in other pieces
  slot.passed = slot.skipped = 0;
  if (place.source != place.sequence) slot.below = 0;  // its cells are another's too
  slot.adapters = adapters;
  slot.busy = true;
  return slot.tokens.size();
}

// Cuts a slot's content back; to nothing where the model can't.
void SequenceCache::cut(std::size_t at, std::size_t length) {
  Slot& slot = slots_[at];
  const auto sequence = static_cast<SequenceId>(at);
  const bool direct = length == 0 || model_.reusable_prefix(sequence, length) == length;
  const Checkpoints::Entry* checkpoint = direct ? nullptr : slot.checkpoints.best(length);
  if (checkpoint) {
    const bool back = checkpoint->length == length && model_.rewind(sequence, length, checkpoint->state);
    slot.tokens.resize(back ? length : model_.truncate(sequence, 0));
  } else {
    slot.tokens.resize(model_.truncate(sequence, length));
  }
  slot.saved = std::min(slot.saved, slot.tokens.size());
  slot.checkpoints.cut(slot.tokens.size());
}

void SequenceCache::append(SequenceId sequence, std::span<const Token> tokens) {
  Slot& slot = slots_[static_cast<std::size_t>(sequence)];
  place(slot);
  slot.tokens.insert(slot.tokens.end(), tokens.begin(), tokens.end());
}

// Before a slot's first tokens.
void SequenceCache::place(Slot& slot) const {
  if (slot.tokens.empty()) slot.below = held_cells();
}

std::size_t SequenceCache::take_back(SequenceId sequence) {
  Slot& slot = slots_[static_cast<std::size_t>(sequence)];
  const std::size_t length = model_.truncate(sequence, slot.tokens.size());
  if (length == slot.tokens.size()) return length;
  slot.tokens.resize(length);
  slot.saved = std::min(slot.saved, length);
  slot.checkpoints.cut(length);
  return length;
}

void SequenceCache::mark(SequenceId sequence, bool turn_ends) {
  if (!needs_checkpoints_) return;
  Slot& slot = slots_[static_cast<std::size_t>(sequence)];
  const std::size_t length = slot.tokens.size();
  if (length < kLeastKeptTokens) return;
  if (!turn_ends && length < slot.checkpoints.newest() + kTokensBetweenCheckpoints) return;
  slot.checkpoints.add({length, model_.checkpoint(sequence)}, kMostCheckpointBytes);
}

void SequenceCache::release(SequenceId sequence) {
  Slot& slot = slots_[static_cast<std::size_t>(sequence)];
  slot.busy = false;
  slot.released = ++releases_;
  slot.passed = 0;
}

void SequenceCache::discard(SequenceId sequence, bool keep) {
  Slot& slot = slots_[static_cast<std::size_t>(sequence)];
  if (!keep) slot.tokens.clear();
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

// True once a new conversation would have to take the place of another.
bool SequenceCache::crowded() const {
  const bool has_empty = std::ranges::any_of(slots_, [](const Slot& slot) { return !slot.busy && slot.tokens.empty(); });
  return !has_empty || held_cells() > model_.limits().cells / 2;
}

// At most; sequences with a common beginning share its cells.
std::size_t SequenceCache::held_cells() const {
  std::size_t cells = 0;
  for (const Slot& slot : slots_) cells += slot.tokens.size();
  return cells;
}

bool SequenceCache::save_ahead(bool at_rest) {
  if (!transfer_) return false;
  // Where none may go back to an earlier token, none leaves for the sake of speed.
  const std::size_t most = crowded() ? std::numeric_limits<std::size_t>::max() : at_rest && !needs_checkpoints_ ? kSavedAtRest : 0;
  std::optional<std::size_t> oldest;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].busy || slots_[i].saved >= savable(slots_[i])) continue;
    if (slots_[i].tokens.size() * transfer_->token_bytes() > most || most == 0) continue;
    if (!oldest || slots_[i].released < slots_[*oldest].released) oldest = i;
  }
  return oldest && save_piece(*oldest);
}

// Idle sequences by age of release, the youngest first.
std::vector<std::size_t> SequenceCache::idle() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].busy && !slots_[i].tokens.empty()) found.push_back(i);
  }
  std::ranges::sort(found, std::greater(), [&](std::size_t i) { return slots_[i].released; });
  return found;
}

bool SequenceCache::pass(std::size_t decoded, std::size_t read) {
  if (!transfer_ || needs_checkpoints_) return false;
  bool worked = false;
  const std::size_t most = decoded > 0 ? kPieceTokens : std::max(kPieceTokens, kSavedPerRead * read);
  std::size_t saved = 0;  // tokens
  std::size_t left_behind = 0;
  for (const std::size_t i : idle()) {
    Slot& slot = slots_[i];
    if (slot.tokens.size() < kLeastKeptTokens && left_behind + slot.tokens.size() <= kMostLeftBehind) {
      left_behind += slot.tokens.size();
      continue;
    }
    slot.passed += decoded + read / kReadPerDecoded;
    const bool leaves = slot.passed >= patience(slot.tokens.size(), slot.saved >= savable(slot));
    while (leaves && saved < most && !slot.tokens.empty()) {
      worked = true;
      const std::size_t before = slot.saved;
      if (save_piece(i)) {
        saved += slot.saved - before;
      } else {
        empty(i);
      }
    }
  }
  if (worked || decoded != 1 || read > 0) return worked;
  const auto busy = std::ranges::find(slots_, true, &Slot::busy);
  if (busy == slots_.end() || std::ranges::count(slots_, true, &Slot::busy) != 1) return false;
  const std::size_t held_below = held_cells() - busy->tokens.size();
  if (busy->below < held_below + kLeastSkipped) return false;
  busy->skipped += busy->below - held_below;
  return busy->skipped >= kPassesUntilMoved * busy->tokens.size() && move_down(static_cast<std::size_t>(busy - slots_.begin()));
}

// The only sequence gives its cells back and takes the first ones. What can't be put back is lost.
bool SequenceCache::move_down(std::size_t at) {
  Slot& slot = slots_[at];
  const auto sequence = static_cast<SequenceId>(at);
  slot.below = slot.skipped = 0;
  std::vector<std::vector<char>> pieces;
  for (std::size_t begin = 0; begin < slot.tokens.size(); begin += kPieceTokens) {
    pieces.push_back(model_.save_state(sequence, begin, std::min(begin + kPieceTokens, slot.tokens.size())));
    if (pieces.back().empty()) return false;
  }
  model_.truncate(sequence, 0);
  std::size_t held = 0;
  for (const std::vector<char>& piece : pieces) {
    const std::size_t end = std::min(held + kPieceTokens, slot.tokens.size());
    if (!model_.load_state(sequence, held, end, piece)) break;
    held = end;
  }
  slot.tokens.resize(held);
  slot.saved = std::min(slot.saved, held);
  return true;
}

void SequenceCache::save_all() {
  for (std::size_t i = 0; i < slots_.size(); ++i) save(i);
}

void SequenceCache::save(std::size_t at) {
  while (save_piece(at)) {
  }
}

// Tokens that the archive may have. A state that can't be divided has one name, so it is not kept where
// adapters act on its end only.
std::size_t SequenceCache::savable(const Slot& slot) const {
  const bool divided = slot.adapters.begin > 0 && slot.adapters.begin < slot.tokens.size();
  return needs_checkpoints_ && divided ? 0 : slot.tokens.size();
}

// False if all of the slot is saved.
bool SequenceCache::save_piece(std::size_t at) {
  Slot& slot = slots_[at];
  if (!transfer_ || slot.saved >= savable(slot)) return false;
  slot.saved = transfer_->save_next(static_cast<SequenceId>(at), std::span(slot.tokens).first(savable(slot)), slot.adapters, slot.saved);
  return true;
}

void SequenceCache::empty(std::size_t at) {
  save(at);
  model_.truncate(static_cast<SequenceId>(at), 0);
  slots_[at].tokens.clear();
  slots_[at].saved = 0;
  slots_[at].checkpoints.cut(0);
}

}  // namespace pensieve::engine
