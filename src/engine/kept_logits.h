// What the model said after prompts that it has read.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/adapter_set.h"
#include "engine/batch_token.h"

namespace pensieve::engine {

// Logits after the last token of the prompts read last. The same prompt again, if the cache holds it to its
// end, is answered without a step, and as before: a token computed alone may go through other kernels than
// in a batch, which turns a greedy answer where two tokens are as good as equal.
class KeptLogits {
 public:
  using Row = std::shared_ptr<const std::vector<float>>;  // one per token of the vocabulary

  // Keeps the newest even if it is larger than `most_bytes`.
  explicit KeptLogits(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  // Takes the place of what was kept for the same prompt.
  void keep(std::span<const Token> prompt, const AdapterSpan& adapters, std::span<const float> logits);

  // Null if they are not kept (any longer).
  [[nodiscard]] Row find(std::span<const Token> prompt, const AdapterSpan& adapters) const;

 private:
  struct Entry {
    std::vector<Token> prompt;
    AdapterSpan adapters;
    Row logits;

    [[nodiscard]] bool is_of(std::span<const Token> other, const AdapterSpan& with) const;
    [[nodiscard]] std::size_t bytes() const { return prompt.size() * sizeof(Token) + logits->size() * sizeof(float); }
  };

  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::deque<Entry> entries_;  // by age
};

}  // namespace pensieve::engine
