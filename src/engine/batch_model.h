// A model that decodes batches of tokens of several sequences: what the scheduler drives. The real
// one is LlamaModel; tests use a scripted one.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace pensieve::engine {

using Token = std::int32_t;

struct BatchToken {
  Token token = 0;
  std::int32_t position = 0;  // in its sequence, from 0
  std::int32_t sequence = 0;  // 0 .. sequences() - 1
  bool want_logits = false;
};

enum class DecodeStatus : std::uint8_t {
  kOk,
  kNoRoom,  // no cells for the batch; nothing was decoded
  kFailed,  // the sequences of the batch are in an unknown state
};

// Not thread-safe; used by the engine thread only, but for the const functions on the vocabulary.
class BatchModel {
 public:
  virtual ~BatchModel() = default;

  [[nodiscard]] virtual std::int32_t context_tokens() const = 0;   // cells, shared by all sequences
  [[nodiscard]] virtual std::int32_t batch_tokens() const = 0;     // most tokens of one decode
  [[nodiscard]] virtual std::int32_t sequences() const = 0;        // sequences with state
  [[nodiscard]] virtual std::int32_t vocabulary_size() const = 0;

  // Decodes at most batch_tokens() tokens; each sequence's positions continue what it holds.
  virtual DecodeStatus decode(std::span<const BatchToken> batch) = 0;

  // Logits (vocabulary_size() of them) after the batch's token `index`, which wanted them. Valid
  // until the next decode.
  [[nodiscard]] virtual std::span<const float> logits(std::int32_t index) = 0;

  // Forgets everything of the sequence from position `length` on. False if the model can't go back
  // that far (recurrent state, sliding window): then the sequence is empty afterwards.
  virtual bool truncate(std::int32_t sequence, std::int32_t length) = 0;

  // Makes `to` (empty) share the first `length` positions of `from`. False if it can't.
  virtual bool copy_prefix(std::int32_t from, std::int32_t to, std::int32_t length) = 0;

  [[nodiscard]] virtual bool is_end_of_generation(Token token) const = 0;

  // The token's bytes as they stand in the answer; control tokens give nothing.
  [[nodiscard]] virtual std::string piece(Token token) const = 0;
};

}  // namespace pensieve::engine
