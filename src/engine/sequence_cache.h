// The sequences of the model's cache, what each holds, and which of them a new prompt should use.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/batch_model.h"
#include "engine/checkpoints.h"
#include "engine/state_transfer.h"

namespace pensieve::engine {

// Sequences keep their tokens when their request ends. A new prompt goes on from the one that
// shares its longest prefix: in it, if that loses next to nothing of what it holds, else in another one
// that gets a copy of the prefix (cells are shared by libllama's unified cache, not duplicated). Where a
// sequence is needed and none is empty, the one idle for longest is emptied. With an archive nothing is
// lost by that: what leaves is kept there and comes back for a prompt that begins with it.
//
// Every step reads past all cells up to the last one in use, those of idle sequences too, so that a few tokens
// beside a conversation cost as much as taking it out and bringing it back. After more than that it leaves; a few
// that are too short for the archive stay.
class SequenceCache {
 public:
  // `archive` may be null.
  SequenceCache(BatchModel& model, StateArchive* archive);

  // Where a prompt would go and what it would find there.
  struct Place {
    SequenceId source = 0;  // has the prefix; equals `sequence` if it is taken over
    SequenceId sequence = 0;
    std::size_t cached = 0;            // tokens of the prefix
    std::size_t shared = 0;            // of these, in cells that a running sequence holds anyway
    std::vector<StatePiece> archived;  // to be loaded after those; filled by add_archived
  };

  // Best place for a prompt; none if every sequence is busy. `wanted`: its tokens that may come from the cache,
  // all but those whose logits are needed. `adapters`: what it is to be computed with.
  [[nodiscard]] std::optional<Place> find(std::span<const Token> wanted, const AdapterSpan& adapters = {}) const;

  // Looks in the archive for what goes on from the place, or is better.
  void add_archived(Place& place, std::span<const Token> wanted, const AdapterSpan& adapters = {});

  // Takes a place just found. Returns the tokens that are really cached.
  std::size_t take(const Place& place, const AdapterSpan& adapters = {});

  // Loads the next piece into a sequence that was taken for `wanted` and holds what is before it. Returns
  // how many tokens of it it holds then; no more than before if the piece is of no use.
  std::size_t load(SequenceId sequence, const StatePiece& piece, std::span<const Token> wanted);

  // Notes tokens that were decoded into a taken sequence.
  void append(SequenceId sequence, std::span<const Token> tokens);

  // Takes back what was decoded into a taken sequence beyond what append() was told. Returns what it holds
  // then: that, or nothing if the model could not go back after all.
  std::size_t take_back(SequenceId sequence);

  // Makes the end of what a taken sequence holds a place that it can come back to, where the model needs
  // that. `turn_ends`: a message ends there; elsewhere it is only worth it now and then.
  void mark(SequenceId sequence, bool turn_ends);

  // Gives a sequence back with its content.
  void release(SequenceId sequence);

  // Gives a sequence back empty; `keep`: its content is sound and goes to the archive.
  void discard(SequenceId sequence, bool keep);

  // Empties the idle sequence that was released longest ago; false if none holds anything.
  bool evict();

  // Saves a piece of an idle sequence that may soon have to leave, so that little is to be saved when it
  // does. `at_rest`: nothing else is to be done, so that small ones are saved too. False if there is nothing to save.
  bool save_ahead(bool at_rest);

  // A step is to be made that decodes and reads (of prompts) so many tokens. Does a piece of the work that makes it
  // and later ones faster, where there is any: an idle sequence that many tokens have passed is saved and leaves the
  // cache, and a busy one that is alone then moves to the first cells. False if there was nothing to do. length() of
  // a busy sequence may be less afterwards.
  bool pass(std::size_t decoded, std::size_t read);

  // Tokens that a taken sequence holds.
  [[nodiscard]] std::size_t length(SequenceId sequence) const { return slots_[static_cast<std::size_t>(sequence)].tokens.size(); }

  // Saves all sequences, busy ones too: the engine stops.
  void save_all();

 private:
  struct Slot {
    std::vector<Token> tokens;  // in the cache, in order
    AdapterSpan adapters;       // that they were computed with
    std::size_t saved = 0;      // of these, in the archive
    Checkpoints checkpoints;
    std::uint64_t released = 0;  // order of release
    std::size_t passed = 0;      // tokens that were computed while it was idle, those of prompts at a fourth
    std::size_t below = 0;       // cells of others, perhaps free by now, before its first
    std::size_t skipped = 0;     // of these, in all steps since they are free
    bool busy = false;
  };

  [[nodiscard]] std::size_t usable(std::size_t slot, std::span<const Token> wanted, const AdapterSpan& adapters) const;
  [[nodiscard]] std::optional<std::size_t> victim(std::optional<std::size_t> spared) const;
  [[nodiscard]] std::vector<std::size_t> idle() const;
  [[nodiscard]] bool crowded() const;
  [[nodiscard]] std::size_t held_cells() const;
  [[nodiscard]] std::size_t savable(const Slot& slot) const;
  void save(std::size_t slot);
  bool save_piece(std::size_t slot);
  void place(Slot& slot) const;
  bool move_down(std::size_t slot);
  void cut(std::size_t slot, std::size_t length);
  void empty(std::size_t slot);

  BatchModel& model_;
  std::optional<StateTransfer> transfer_;
  std::vector<Slot> slots_;
  bool needs_checkpoints_;
  std::uint64_t releases_ = 0;
};

}  // namespace pensieve::engine
