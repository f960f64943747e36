// Places in a sequence that its model can come back to.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pensieve::engine {

// Of one sequence. A few, spread over its length: where one more would be too many, the one goes that
// leaves the smallest gap.
class Checkpoints {
 public:
  struct Entry {
    std::size_t length = 0;   // tokens of the sequence when it was taken
    std::vector<char> state;  // BatchModel::checkpoint
  };

  // Most checkpoints of a sequence; they stand beside the cache in memory.
  static constexpr std::size_t kMost = 8;

  // The entry of the greatest length up to `length`; null if there is none.
  [[nodiscard]] const Entry* best(std::size_t length) const;

  // The length of the newest; 0 without any.
  [[nodiscard]] std::size_t newest() const { return entries_.empty() ? 0 : entries_.back().length; }

  // Adds one behind the others; an empty state is none. At most `most_bytes` are held by all together.
  void add(Entry entry, std::size_t most_bytes);

  // Drops those beyond `length`.
  void cut(std::size_t length);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  void thin_out();

  std::vector<Entry> entries_;  // by length
};

}  // namespace pensieve::engine
