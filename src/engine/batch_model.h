// A model that decodes batches of tokens of several sequences, as the scheduler sees it. The real
// one is libllama's (llama_model.h); tests play a script (fake_batch_model.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/adapter_set.h"
#include "engine/batch_token.h"
#include "engine/image_reader.h"
#include "generation/request.h"

namespace pensieve::engine {

enum class DecodeOutcome : std::uint8_t {
  kDone,
  kNoSpace,  // the cache has no cells for the batch; nothing has changed
  kAborted,  // interrupted because the engine stops
  kFailed,   // the state of the batch's sequences is undefined; clear them
};

// Sizes fixed when the model was opened.
struct BatchLimits {
  std::size_t batch_tokens = 0;     // most tokens in one batch
  std::size_t max_active = 0;       // most sequences in one batch
  std::size_t sequences = 0;        // sequences that the cache can hold, idle ones included
  std::size_t cells = 0;            // of the cache, shared by all sequences
  std::size_t sequence_tokens = 0;  // most tokens of one sequence
  std::size_t output_rows = 0;      // most rows of logits in one batch; at least max_active, or 0 for that
  // truncate() can take back what a batch has just appended to a sequence, but for the first token of it.
  bool takes_back = false;
};

// Used by one thread, the engine's, but for abort(), load_adapters() and drop_outdated_adapters().
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

  // Encodes `image` if it has not just been, computes `count` of its cells from the one with index `first`
  // and appends them to `sequence`, where the first comes to `position`. At most batch_tokens; all that
  // are left where the image is whole().
  virtual DecodeOutcome decode_image(const EncodableImage& image, std::size_t first, std::size_t count, SequenceId sequence,
                                     std::int32_t position) = 0;

  // The adapters of a request; null: none. Any thread; blocks while reading. Errors: kNotFound,
  // kInvalidArgument (made for another model), kUnsupported.
  virtual Result<AdapterSetPointer> load_adapters(std::span<const AdapterUse> adapters) = 0;

  // Lets go of adapters whose files are gone or changed. True if there were any: release_adapters()
  // should follow. Any thread.
  virtual bool drop_outdated_adapters() = 0;
  virtual void release_adapters() = 0;

  // Decodes from now on with these; null: with none.
  virtual void use_adapters(const AdapterSetPointer& adapters) = 0;

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

  // What it takes to come back to where a sequence is now, for models that truncate() can't bring back: the
  // part of the state that later tokens change (recurrent state, sliding windows). Empty if it can't be had.
  virtual std::vector<char> checkpoint(SequenceId sequence) = 0;

  // Brings a sequence back to `length` tokens, where `checkpoint` was taken. False if that failed; the
  // sequence is empty then.
  virtual bool rewind(SequenceId sequence, std::size_t length, std::span<const char> checkpoint) = 0;

  // How the state of a sequence can be kept outside of the cache.
  struct StateForm {
    bool divisible = false;  // by ranges of tokens; else only the whole of it
    std::size_t reach = 0;   // where not divisible: how many tokens a state loaded again can be cut back by
  };
  [[nodiscard]] virtual StateForm state_form() const = 0;

  // The state of tokens [begin, end) of a sequence; of all of them where it is not divisible. Empty if
  // it can't be had.
  virtual std::vector<char> save_state(SequenceId sequence, std::size_t begin, std::size_t end) = 0;

  // Appends a saved state of tokens [begin, end) to a sequence that holds `begin` tokens. False if there
  // are no cells for it or it is none of this model's; nothing has changed then.
  virtual bool load_state(SequenceId sequence, std::size_t begin, std::size_t end, std::span<const char> state) = 0;
};

}  // namespace pensieve::engine
