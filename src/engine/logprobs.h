// Log probabilities of the model's own distribution: before biases, penalties and temperature.
#pragma once

#include <span>

#include "engine/vocabulary.h"
#include "generation/event.h"

namespace pensieve::engine {

// A row of logits reduced to what the answer shows, taken before the sampler changes the row.
class Logprobs {
 public:
  // Keeps the `alternatives` most likely tokens.
  Logprobs(std::span<const float> logits, std::int32_t alternatives);

  // For a token whose logit was `logit`.
  [[nodiscard]] TokenLogprobs of(Token token, float logit, const Vocabulary& vocabulary) const;

 private:
  double log_total_ = 0;  // log of the sum of e^logit
  std::vector<std::pair<float, Token>> best_;
};

// For a sequence's first token, which has no probability: its logprob is not a number.
TokenLogprobs unscored(Token token, const Vocabulary& vocabulary);

}  // namespace pensieve::engine
