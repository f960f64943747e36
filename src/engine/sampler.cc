#include "engine/sampler.h"

#include <algorithm>
#include <cmath>

namespace pensieve::engine {
Sampler::Sampler(const Sampling& sampling, std::span<const Token> prompt, std::uint32_t seed)
    : sampling_(sampling), penalties_(sampling, prompt), random_(sampling.seed.value_or(seed)) {}

std::optional<Token> Sampler::sample(std::span<float> logits, const AnswerConstraint* constraint) {
  if (!penalties_.inactive()) penalties_.apply(logits);
  const auto token = constraint != nullptr ? choose(logits, *constraint) : choose(logits);
  if (token) penalties_.accept(*token);
  return token;
}

// A draw that is refused is ruled out and drawn again: the same as drawing from what is allowed, without
// asking for every token. Where the model wants what it can't have, all are asked for in the end.
std::optional<Token> Sampler::choose(std::span<float> logits, const AnswerConstraint& constraint) {
  constexpr int kDraws = 12;
  for (int draw = 0; draw < kDraws; ++draw) {
    const auto token = choose(logits);
    if (!token) return std::nullopt;
    if (constraint.allows(*token)) return token;
    constraint.rule_out(*token, logits);
  }
  constraint.rule_out_all(logits);
  for (;;) {
    const auto token = choose(logits);
    if (!token || constraint.allows(*token)) return token;
    constraint.rule_out(*token, logits);
  }
}

std::optional<Token> Sampler::choose(std::span<const float> logits) {
  const float best = largest(logits);
  if (!std::isfinite(best)) return std::nullopt;
  if (sampling_.temperature <= 0) return static_cast<Token>(index_of(logits, best));

  const float scale = 1.0F / sampling_.temperature;
  const bool limited = sampling_.top_k > 0 && static_cast<std::size_t>(sampling_.top_k) < logits.size();
  const bool nucleus = sampling_.top_p < 1.0F;
  double sum = 0;
  if (limited) {
    keep_top_k(logits);
    for (Candidate& candidate : candidates_) {
      candidate.weight = std::exp((candidate.weight - best) * scale);
      sum += static_cast<double>(candidate.weight);
    }
  } else {
    exponentials(logits, best, scale, weights_);
    sum = weights_.sum;
    if (!nucleus && sampling_.min_p <= 0) return draw_from_all();
    collect_candidates();
  }
  if (nucleus) keep_top_p(sum);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < sampling_.min_p; });
  return draw_from_candidates();
}

Token Sampler::draw_from_all() {
  double rest = random_.next() * weights_.sum;
  std::size_t last_block = 0;  // the last possible one, should rounding carry past the end
  for (std::size_t block = 0; block < weights_.block_sums.size(); ++block) {
    if (weights_.block_sums[block] <= 0) continue;
    last_block = block;
    if (rest < weights_.block_sums[block]) break;
    rest -= weights_.block_sums[block];
  }
  const std::size_t start = last_block * Weights::kBlock;
  const std::size_t end = std::min(start + Weights::kBlock, weights_.values.size());
  std::size_t last = start;
  for (std::size_t i = start; i < end; ++i) {
    if (weights_.values[i] <= 0) continue;
    last = i;
    if ((rest -= static_cast<double>(weights_.values[i])) < 0) break;
  }
  return static_cast<Token>(last);
}

Token Sampler::draw_from_candidates() {
  double sum = 0;
  for (const Candidate& candidate : candidates_) sum += static_cast<double>(candidate.weight);
  double rest = random_.next() * sum;
  Token last = candidates_.front().token;  // the last possible one, should rounding carry past it
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight <= 0) continue;
    last = candidate.token;
    if ((rest -= static_cast<double>(candidate.weight)) < 0) break;
  }
  return last;
}

// Fills candidates_ with the k largest logits: a heap whose root is the least of them, so that
// nearly every token costs one comparison.
void Sampler::keep_top_k(std::span<const float> logits) {
  const auto k = static_cast<std::size_t>(sampling_.top_k);
  const auto greater = [](const Candidate& a, const Candidate& b) { return a.weight > b.weight; };
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) continue;
    if (candidates_.size() == k) {
      if (logits[i] <= candidates_.front().weight) continue;
      std::ranges::pop_heap(candidates_, greater);
      candidates_.pop_back();
    }
    candidates_.push_back({static_cast<Token>(i), logits[i]});
    std::ranges::push_heap(candidates_, greater);
  }
}

// Fills candidates_ with every token that top_p and min_p might keep, and few more: those above a
// floor, which is lowered until they reach top_p. No lower than what can matter: tokens below
// (1 - top_p) / vocabulary of the whole weigh less than 1 - top_p together.
void Sampler::collect_candidates() {
  constexpr float kLowering = 1.0F / 64;
  const auto& weights = weights_.values;
  const double top_p = std::min(1.0, static_cast<double>(sampling_.top_p));
  const double least = (1.0 - top_p) * weights_.sum / static_cast<double>(weights.size());
  const float lowest = std::max(static_cast<float>(least), sampling_.min_p);
  float floor = top_p < 1.0 ? 1.0F : lowest;
  double reached = 0;
  do {
    floor = std::max(floor * kLowering, lowest);
    candidates_.clear();
    reached = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] < floor || weights[i] <= 0) continue;
      candidates_.push_back({static_cast<Token>(i), weights[i]});
      reached += static_cast<double>(weights[i]);
    }
  } while (floor > lowest && reached < top_p * weights_.sum);
}

// Keeps the fewest most likely candidates that together reach top_p of `sum`; at least one.
void Sampler::keep_top_p(double sum) {
  const double wanted = sum * static_cast<double>(sampling_.top_p);
  const auto less = [](const Candidate& a, const Candidate& b) { return a.weight != b.weight ? a.weight < b.weight : a.token > b.token; };
  std::ranges::make_heap(candidates_, less);
  auto end = candidates_.end();
  double reached = 0;
  do {
    std::ranges::pop_heap(candidates_.begin(), end, less);
    reached += static_cast<double>((--end)->weight);
  } while (reached < wanted && end != candidates_.begin());
  candidates_.erase(candidates_.begin(), end);
}

}  // namespace pensieve::engine
