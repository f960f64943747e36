// The sequences of the model's cache, what each holds, and which of them a new prompt should use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/batch_model.h"

namespace pensieve::engine {

// Sequences keep their tokens when their request ends. A new prompt goes on from the one that
// shares its longest prefix: in it, if that loses little of what it holds, else in another one that
// gets a copy of the prefix (cells are shared by libllama's unified cache, not duplicated). Where a
// sequence is needed and none is empty, the one idle for longest is emptied.
class SequenceCache {
 public:
  explicit SequenceCache(BatchModel& model);

  // Where a prompt would go and what it would find there.
  struct Place {
    SequenceId source = 0;  // has the prefix; equals `sequence` if it is taken over
    SequenceId sequence = 0;
    std::size_t cached = 0;  // tokens of the prefix, less than the prompt has
    std::size_t shared = 0;  // of these, in cells that a running sequence holds anyway
  };

  // Best place for `prompt` (not empty); none if every sequence is busy.
  [[nodiscard]] std::optional<Place> find(std::span<const Token> prompt) const;

  // Takes a place just found. Returns the tokens that are really cached.
  std::size_t take(const Place& place);

  // Notes tokens that were decoded into a taken sequence.
  void append(SequenceId sequence, std::span<const Token> tokens);

  // Gives a sequence back with its content.
  void release(SequenceId sequence);

  // Gives a sequence back empty.
  void discard(SequenceId sequence);

  // Empties the idle sequence that was released longest ago; false if none holds anything.
  bool evict();

 private:
  struct Slot {
    std::vector<Token> tokens;   // in the cache, in order
    std::uint64_t released = 0;  // order of release
    bool busy = false;
  };

  [[nodiscard]] std::size_t usable(std::size_t slot, std::span<const Token> prompt) const;
  [[nodiscard]] std::optional<std::size_t> victim(std::optional<std::size_t> spared) const;
  void empty(std::size_t slot);

  BatchModel& model_;
  std::vector<Slot> slots_;
  std::uint64_t releases_ = 0;
};

}  // namespace pensieve::engine
