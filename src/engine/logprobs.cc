#include "engine/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/logit_math.h"

namespace pensieve::engine {

Logprobs::Logprobs(std::span<const float> logits, std::int32_t alternatives) {
  Weights weights;
  const float shift = largest(logits);
  exponentials(logits, shift, 1.0F, weights);
  log_total_ = static_cast<double>(shift) + std::log(weights.sum);

  const auto wanted = std::min(static_cast<std::size_t>(std::max(alternatives, 0)), logits.size());
  if (wanted == 0) return;
  const auto better = [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; };
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const std::pair entry{logits[i], static_cast<Token>(i)};
    if (best_.size() == wanted) {
      if (!better(entry, best_.front())) continue;
      std::ranges::pop_heap(best_, better);
      best_.pop_back();
    }
    best_.push_back(entry);
    std::ranges::push_heap(best_, better);
  }
  std::ranges::sort_heap(best_, better);
}

TokenLogprobs unscored(Token token, const Vocabulary& vocabulary) {
  return {{token, vocabulary.piece(token, false), std::numeric_limits<double>::quiet_NaN()}, {}};
}

TokenLogprobs Logprobs::of(Token token, float logit, const Vocabulary& vocabulary) const {
  const auto entry = [&](Token id, float value) {
    return TokenLogprob{id, vocabulary.piece(id, true), static_cast<double>(value) - log_total_};
  };
  TokenLogprobs result{entry(token, logit), {}};
  for (const auto& [value, id] : best_) result.top.push_back(entry(id, value));
  return result;
}

}  // namespace pensieve::engine
