// Chooses the next token from logits.
#pragma once

#include <deque>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/batch_model.h"
#include "generation/event.h"
#include "generation/request.h"

namespace pensieve::engine {

// One sequence's sampler. Order: repetition, frequency and presence penalties and logit bias on the
// logits; then temperature; top_k; top_p; min_p. Greedy when the temperature is 0. For one seed and
// the same logits the choice is always the same.
class Sampler {
 public:
  explicit Sampler(const Sampling& settings);

  // The next token; it counts for the penalties from now on.
  Token sample(std::span<const float> logits);

  // Counts a prompt token for the repetition penalty.
  void accept(Token token);

 private:
  struct Candidate {
    Token token;
    float logit;
  };

  std::span<const float> adjusted(std::span<const float> logits);
  Token draw(std::span<const float> logits);
  void keep_nucleus();

  Sampling settings_;
  std::mt19937 random_;
  std::deque<Token> recent_;
  std::unordered_map<Token, int> counts_;  // of tokens in recent_
  bool adjusts_ = false;
  std::vector<float> scratch_;
  std::vector<Candidate> candidates_;
  std::vector<float> weights_;
};

// log softmax of `token` and of the `top` most likely tokens, best first, over the plain logits.
// `bytes` are left empty.
TokenLogprobs log_probabilities(std::span<const float> logits, Token token, std::int32_t top);

}  // namespace pensieve::engine
