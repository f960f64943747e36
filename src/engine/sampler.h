// Chooses the next token of one sequence.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/answer_constraint.h"
#include "engine/batch_model.h"
#include "engine/logit_math.h"
#include "engine/penalties.h"
#include "engine/random_source.h"
#include "generation/request.h"

namespace pensieve::engine {

// Order: biases, penalties, temperature, top_k, top_p, min_p. The same seed, prompt and logits give
// the same tokens. Never sorts the vocabulary: greedy is one pass for the maximum; temperature alone
// inverts the cumulative distribution; filters work on the few candidates that can pass them.
class Sampler {
 public:
  // `seed` is used where the request has none. Token ids in `sampling` must be valid.
  Sampler(const Sampling& sampling, std::span<const Token> prompt, std::uint32_t seed);

  // Chooses a token and takes note of it. May change `logits`. Empty if no token is possible: the
  // logits are not numbers, or every token is banned. With a `constraint`: only of those that it allows,
  // with the same chances as if all others had been ruled out before.
  std::optional<Token> sample(std::span<float> logits, const AnswerConstraint* constraint = nullptr);

  // Takes note of a token that was chosen otherwise.
  void accept(Token token) { penalties_.accept(token); }

 private:
  struct Candidate {
    Token token = 0;
    float weight = 0;  // proportional to the probability
  };

  std::optional<Token> choose(std::span<const float> logits);
  std::optional<Token> choose(std::span<float> logits, const AnswerConstraint& constraint);
  Token draw_from_all();
  Token draw_from_candidates();
  void keep_top_k(std::span<const float> logits);
  void collect_candidates();
  void keep_top_p(double sum);

  Sampling sampling_;
  Penalties penalties_;
  RandomSource random_;
  Weights weights_;                    // of the whole vocabulary; kept for its memory
  std::vector<Candidate> candidates_;  // the same
};

}  // namespace pensieve::engine
