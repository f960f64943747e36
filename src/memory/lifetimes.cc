#include "memory/lifetimes.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace pensieve::memory {
namespace {

constexpr std::uint64_t kAlignment = 32;  // of ggml's CPU buffers

constexpr std::uint64_t aligned(std::uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Gaps in order of address; the last reaches to infinity.
class Room {
 public:
  std::uint64_t take(std::uint64_t bytes) {
    std::size_t best = gaps_.size() - 1;
    for (std::size_t i = 0; i + 1 < gaps_.size(); ++i) {
      const bool smaller = best + 1 == gaps_.size() || gaps_[i].bytes <= gaps_[best].bytes;
      if (gaps_[i].bytes >= bytes && smaller) best = i;
    }
    Gap& gap = gaps_[best];
    const std::uint64_t at = gap.at;
    gap.at += bytes;
    gap.bytes -= bytes;
    if (gap.bytes == 0) gaps_.erase(gaps_.begin() + static_cast<std::ptrdiff_t>(best));
    peak_ = std::max(peak_, at + bytes);
    return at;
  }

  void give_back(std::uint64_t at, std::uint64_t bytes) {
    const auto next = std::ranges::lower_bound(gaps_, at, {}, &Gap::at);
    const bool joins_next = next != gaps_.end() && at + bytes == next->at;
    const bool joins_previous = next != gaps_.begin() && std::prev(next)->at + std::prev(next)->bytes == at;
    if (joins_previous && joins_next) {
      std::prev(next)->bytes += bytes + next->bytes;
      gaps_.erase(next);
    } else if (joins_previous) {
      std::prev(next)->bytes += bytes;
    } else if (joins_next) {
      next->at = at;
      next->bytes += bytes;
    } else {
      gaps_.insert(next, {at, bytes});
    }
  }

  [[nodiscard]] std::uint64_t peak() const { return peak_; }

 private:
  struct Gap {
    std::uint64_t at;
    std::uint64_t bytes;
  };
  std::vector<Gap> gaps_{{0, std::numeric_limits<std::uint64_t>::max() / 2}};
  std::uint64_t peak_ = 0;
};

}  // namespace

Lifetimes::Tensor Lifetimes::input(std::uint64_t bytes) {
  nodes_.push_back({.bytes = aligned(bytes), .input = true});
  return {static_cast<int>(nodes_.size()) - 1};
}

Lifetimes::Tensor Lifetimes::operation(std::uint64_t bytes, std::initializer_list<Use> uses, bool in_place) {
  assert(uses.size() <= kMostUses);
  Node node{.bytes = aligned(bytes), .in_place = in_place};
  int i = 0;
  for (const Use& use : uses) {
    node.uses[i] = use.id;
    node.views[i++] = use.view;
  }
  nodes_.push_back(node);
  return {static_cast<int>(nodes_.size()) - 1};
}

void Lifetimes::keep(Tensor tensor) { nodes_[static_cast<std::size_t>(tensor.id)].kept = true; }

std::uint64_t Lifetimes::peak_bytes() const {
  struct State {
    std::uint64_t at = 0;
    int left = 0;  // reads to come
    bool viewed = false;
    bool placed = false;
  };
  std::vector<State> states(nodes_.size());
  for (const Node& node : nodes_) {
    for (int i = 0; i < kMostUses && node.uses[i] >= 0; ++i) {
      State& state = states[static_cast<std::size_t>(node.uses[i])];
      ++state.left;
      state.viewed |= node.views[i];
    }
  }
  Room room;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (nodes_[n].input && nodes_[n].bytes > 0) states[n] = {room.take(nodes_[n].bytes), states[n].left, states[n].viewed, true};
  }
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    for (int i = 0; node.in_place && i < kMostUses && node.uses[i] >= 0 && !states[n].placed; ++i) {
      const auto source = static_cast<std::size_t>(node.uses[i]);
      State& from = states[source];
      if (from.left == 1 && !from.viewed && from.placed && !nodes_[source].kept && nodes_[source].bytes == node.bytes) {
        states[n].at = from.at;
        states[n].placed = true;
        from.placed = false;
      }
    }
    if (!node.input && node.bytes > 0 && !states[n].placed) {
      states[n].at = room.take(node.bytes);
      states[n].placed = true;
    }
    for (int i = 0; i < kMostUses && node.uses[i] >= 0; ++i) {
      const auto source = static_cast<std::size_t>(node.uses[i]);
      State& from = states[source];
      if (--from.left == 0 && from.placed && !nodes_[source].kept) {
        room.give_back(from.at, nodes_[source].bytes);
        from.placed = false;
      }
    }
  }
  return room.peak();
}

}  // namespace pensieve::memory
