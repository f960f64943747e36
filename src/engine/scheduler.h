// Which requests run, and the loop's one step: many sequences in one batch.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/adapter_turn.h"
#include "engine/decode_times.h"
#include "engine/drafter.h"
#include "engine/generation.h"
#include "engine/kept_logits.h"
#include "engine/sequence_cache.h"
#include "engine/step_cost.h"

namespace pensieve::engine {

// Requests wait in the order of their arrival until there is a sequence and room in the cache for
// their prompt; a few smaller ones may pass one that does not fit yet, and interactive ones pass batch
// ones, each a bounded number of times. Running ones take part in every step (step_plan.h); an image is
// read in steps of its own, which take turns with the others'. When the cache overflows, idle content goes
// first, then the youngest request goes back to waiting and later continues where it was. Where it pays
// (draft_plan.h), a step that only decodes also tries tokens that the stream's text lets guess (drafter.h):
// each is sampled as always, and the guess only saves the step if it was right, so answers are what they
// would be without. A prompt that the cache holds to its end, and whose logits were kept (kept_logits.h), is
// answered without a step. Used by the engine thread.
class Scheduler {
 public:
  using SeedSource = std::function<std::uint32_t()>;  // for requests without a seed

  // `archive` may be null: then what leaves the cache is lost. `speculation`: tokens may be guessed.
  Scheduler(BatchModel& model, const Vocabulary& vocabulary, const Clock& clock, EventSink sink, SeedSource seeds,
            StateArchive* archive = nullptr, bool speculation = false);

  // Lets a request wait for its turn, or fails it at once (bad prompt, too long, too many waiting).
  void add(PreparedRequest prepared);

  // Bounds of later steps below the model's own; 0: those.
  void throttle(std::size_t batch_tokens, std::size_t max_active);

  // Drops cancelled requests, admits waiting ones, brings a piece of a kept conversation back and
  // computes one batch. False if there was nothing to do: nothing changes then until add(), a
  // cancellation or an end of a pause.
  bool step();

  // Saves what the cache holds, running requests' conversations too; nothing is computed afterwards.
  void save_all() { cache_.save_all(); }

  [[nodiscard]] std::size_t active() const { return active_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Run {
    Generation generation;
    SequenceId sequence = -1;
    std::size_t computed = 0;         // tokens in the cache
    std::size_t shared = 0;           // of these, in cells that were another's
    std::deque<StatePiece> archived;  // still to be loaded before it can go on
    std::size_t overtaken = 0;        // times that a younger request was put or admitted before it
    bool batch = false;               // Priority::kBatch
    SteadyTime served;                // admission or last prefill, for ageing
    SteadyTime stepped;               // last step, or admission
    AdapterSetPointer adapters;
    AdapterSpan span;
    Drafter drafter;
    KeptLogits::Row kept = nullptr;  // after all of its tokens, where they need not be computed again

    // What may come from the cache: what is before the first token whose logits are needed.
    [[nodiscard]] std::span<const Token> reusable() const {
      const auto tokens = generation.tokens();
      return tokens.first(generation.scores_prompt() ? 0 : tokens.size() - (kept ? 0 : 1));
    }
    [[nodiscard]] std::size_t pending() const { return generation.tokens().size() - computed; }
    // The set that the next token needs, and the tokens that are left for it before an image comes.
    [[nodiscard]] std::uint64_t key() const { return computed < span.begin ? 0 : span.key; }
    [[nodiscard]] std::size_t pending_with_key() const;
    // The image that the next token stands for, or the first one after it; null: none.
    [[nodiscard]] const PromptImage* image() const;
    [[nodiscard]] bool at_image() const { return image() != nullptr && image()->begin <= computed; }
  };
  using RunPointer = std::unique_ptr<Run>;

  // A run's part of a batch.
  struct Share {
    Run* run = nullptr;
    std::size_t tokens = 0;
    std::vector<Token> draft = {};  // guessed to follow
    [[nodiscard]] std::size_t rows() const { return tokens + draft.size(); }
    [[nodiscard]] bool complete() const { return tokens == run->pending(); }
  };

  void enqueue(RunPointer run);
  void drop_cancelled();
  void admit();
  bool load_archived();
  bool answer_known();
  [[nodiscard]] bool has_room(const Run& run, const SequenceCache::Place& place) const;
  [[nodiscard]] std::vector<Share> plan();
  [[nodiscard]] std::size_t output_rows() const { return std::max(model_.limits().output_rows, model_.limits().max_active); }
  void limit_rows(std::vector<Share>& shares) const;
  void add_drafts(std::vector<Share>& shares);
  [[nodiscard]] std::vector<BatchToken> batch_of(std::span<const Share> shares) const;
  DecodeOutcome decode(std::span<const Share> shares);
  [[nodiscard]] Run* next_at_image() const;
  DecodeOutcome decode_image(Run& run);
  void distribute(std::span<const Share> shares);
  void score(const Share& share, std::size_t first);
  bool sample(const Share& share, std::size_t row, SteadyTime now);
  void tidy_cache();
  void make_room();
  void fail_all(std::span<const Share> shares);
  void remove(const std::vector<Run*>& ended, bool keep_content);

  BatchModel& model_;
  const Vocabulary& vocabulary_;
  const Clock& clock_;
  EventSink sink_;
  SeedSource seeds_;
  SequenceCache cache_;
  KeptLogits kept_;
  StepCost cost_;
  DecodeTimes times_;
  bool speculation_;
  std::size_t batch_tokens_;       // most tokens in one step
  std::size_t max_active_;         // most requests in one batch
  std::uint32_t plain_steps_ = 0;  // without a prompt in them
  bool image_step_ = false;        // the last step read an image
  AdapterTurn turn_;
  std::deque<RunPointer> waiting_;  // by arrival
  std::vector<RunPointer> active_;  // by arrival
};

}  // namespace pensieve::engine
