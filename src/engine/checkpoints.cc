#include "engine/checkpoints.h"

#include <algorithm>
#include <utility>

namespace pensieve::engine {

const Checkpoints::Entry* Checkpoints::best(std::size_t length) const {
  const auto after = std::ranges::upper_bound(entries_, length, {}, &Entry::length);
  return after == entries_.begin() ? nullptr : &*std::prev(after);
}

void Checkpoints::add(Entry entry, std::size_t most_bytes) {
  cut(entry.length);
  if (entry.state.empty() || entry.state.size() > most_bytes || newest() == entry.length) return;
  entries_.push_back(std::move(entry));
  const auto bytes = [&] {
    std::size_t sum = 0;
    for (const Entry& held : entries_) sum += held.state.size();
    return sum;
  };
  while (entries_.size() > kMost || bytes() > most_bytes) thin_out();
}

void Checkpoints::cut(std::size_t length) {
  std::erase_if(entries_, [length](const Entry& entry) { return entry.length > length; });
}

void Checkpoints::thin_out() {
  std::size_t victim = 0;
  std::size_t smallest = entries_.back().length + 1;
  for (std::size_t i = 0; i + 1 < entries_.size(); ++i) {
    const std::size_t before = i == 0 ? 0 : entries_[i - 1].length;
    const std::size_t gap = entries_[i + 1].length - before;
    if (gap < smallest) {
      smallest = gap;
      victim = i;
    }
  }
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(victim));
}

}  // namespace pensieve::engine
