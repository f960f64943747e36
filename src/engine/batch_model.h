// A model that decodes batches of tokens of several sequences, as the scheduler sees it. The real
// one is libllama's (llama_model.h); tests play a script (fake_batch_model.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pensieve::engine {

using Token = std::int32_t;
using SequenceId = std::int32_t;

// One token of a batch. Positions of a sequence follow each other without a gap.
struct BatchToken {
  Token token = 0;
  std::int32_t position = 0;
  SequenceId sequence = 0;
  bool wants_logits = false;
};

enum class DecodeOutcome : std::uint8_t {
  kDone,
  kNoSpace,  // the cache has no cells for the batch; nothing has changed
  kAborted,  // interrupted because the engine stops
  kFailed,   // the state of the batch's sequences is undefined; clear them
};

// Sizes fixed when the model was opened.
struct BatchLimits {
  std::size_t batch_tokens = 0;     // most tokens in one batch
  std::size_t max_active = 0;       // most sequences in one batch, and most logits rows of it
  std::size_t sequences = 0;        // sequences that the cache can hold, idle ones included
  std::size_t cells = 0;            // of the cache, shared by all sequences
  std::size_t sequence_tokens = 0;  // most tokens of one sequence
};

// Used by one thread, the engine's, but for abort().
class BatchModel {
 public:
  virtual ~BatchModel() = default;

  // The first decode reads weights and compiles shaders: done before any request, on the thread
  // that decodes afterwards. False if the model can't decode.
  virtual bool warm_up() = 0;

  // Threads of later decodes: for steps of single tokens and for prompts; 0: as opened.
  virtual void set_threads(std::int32_t decode, std::int32_t prefill) = 0;

  // Makes a decode in progress, and every later one, end soon with kAborted. Any thread.
  virtual void abort() = 0;

  [[nodiscard]] virtual const BatchLimits& limits() const = 0;

  // Computes `batch` (not empty) and appends it to the cache.
  virtual DecodeOutcome decode(std::span<const BatchToken> batch) = 0;

  // Logits after token `index` of the last batch, which asked for them; one per token of the
  // vocabulary. The caller may change them. Valid until the next decode. Empty if there are none.
  virtual std::span<float> logits(std::size_t index) = 0;

  // How many of the first `wanted` tokens of a sequence its state can be cut back to, or copied
  // with: all, or 0 where the model can't go back there (recurrent state, sliding windows that
  // have moved on). `wanted` is at most the sequence's length.
  [[nodiscard]] virtual std::size_t reusable_prefix(SequenceId sequence, std::size_t wanted) const = 0;

  // Keeps the first `length` tokens, a length that reusable_prefix returned; 0 empties the
  // sequence. Returns the length kept: `length`, or 0 if the model could not go back after all.
  virtual std::size_t truncate(SequenceId sequence, std::size_t length) = 0;

  // Makes the first `length` tokens (from reusable_prefix) of `from` the content of the empty `to`.
  virtual void copy(SequenceId from, SequenceId to, std::size_t length) = 0;
};

}  // namespace pensieve::engine
