#include "engine/ngram_index.h"

#include <algorithm>
#include <utility>

namespace pensieve::engine {
namespace {

constexpr std::size_t kFirstSlots = 64;

// FNV-1a by token, with its high bits folded in: neighbouring ids must not fall into neighbouring slots.
std::uint64_t hash_of(std::span<const Token> run) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const Token token : run) hash = (hash ^ static_cast<std::uint32_t>(token)) * 0x100000001b3U;
  return hash ^ (hash >> 29U);
}

// Tokens before `end` that agree with the text's end, `known` of them surely.
std::size_t agreement(std::span<const Token> text, std::size_t end, std::size_t known) {
  std::size_t agreed = known;
  while (agreed < std::min(end, NgramIndex::kLongest) && text[end - 1 - agreed] == text[text.size() - 1 - agreed]) ++agreed;
  return agreed;
}

}  // namespace

std::optional<NgramIndex::Match> NgramIndex::find(std::span<const Token> text) {
  for (; taken_ + 1 < text.size(); ++taken_) {
    for (Table& table : tables_) table.insert(text, taken_ + 1);
  }
  for (std::size_t level = kLengths.size(); level-- > 0;) {
    const Table& table = tables_[level];
    std::size_t end = table.find(text);
    if (end == 0) continue;
    Match best;
    for (std::size_t i = 0; i < kCandidates && end > 0; ++i, end = table.before(end)) {
      const std::size_t agreed = agreement(text, end, kLengths[level]);
      if (agreed > best.agreed) best = {end, agreed};
      if (agreed == kLongest) break;
    }
    return best;
  }
  return std::nullopt;
}

// Where the run that ends before `end` is, or the free slot where it would be.
std::size_t NgramIndex::Table::slot_of(std::span<const Token> text, std::size_t end) const {
  const auto run = text.subspan(end - length_, length_);
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash_of(run) & mask;
  while (slots_[slot] != 0 && !std::ranges::equal(run, text.subspan(slots_[slot] - length_, length_))) slot = (slot + 1) & mask;
  return slot;
}

void NgramIndex::Table::insert(std::span<const Token> text, std::size_t end) {
  if (end < length_) return;
  if (2 * used_ >= slots_.size()) grow(text);
  std::uint32_t& slot = slots_[slot_of(text, end)];
  if (slot == 0) ++used_;
  earlier_.resize(end + 1);
  earlier_[end] = slot;
  slot = static_cast<std::uint32_t>(end);
}

std::size_t NgramIndex::Table::find(std::span<const Token> text) const {
  return text.size() < length_ || slots_.empty() ? 0 : slots_[slot_of(text, text.size())];
}

void NgramIndex::Table::grow(std::span<const Token> text) {
  const std::vector<std::uint32_t> old = std::exchange(slots_, std::vector<std::uint32_t>(std::max(kFirstSlots, 2 * slots_.size())));
  for (const std::uint32_t end : old) {
    if (end != 0) slots_[slot_of(text, end)] = end;
  }
}

}  // namespace pensieve::engine
