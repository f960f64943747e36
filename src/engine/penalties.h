// Logit changes that depend on the text so far, and the request's fixed biases.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

#include "engine/batch_model.h"
#include "generation/request.h"

namespace pensieve::engine {

// Repetition (CTRL, Keskar et al. 2019, section 4.1: positive logits are divided, negative ones
// multiplied) looks at the last `penalty_last_n` tokens of prompt and answer; frequency and
// presence (OpenAI: logit -= count * frequency + presence) count the tokens of the answer.
class Penalties {
 public:
  Penalties(const Sampling& sampling, std::span<const Token> prompt);

  // True if apply() would change nothing, now and later.
  [[nodiscard]] bool inactive() const;

  // Changes one row of logits in place. Token ids of the biases must be valid.
  void apply(std::span<float> logits) const;

  // Takes note of a token of the answer.
  void accept(Token token);

 private:
  void remember(Token token);

  Sampling sampling_;
  std::deque<Token> window_;
  std::unordered_map<Token, std::int32_t> in_window_;
  std::unordered_map<Token, std::int32_t> in_answer_;
};

}  // namespace pensieve::engine
