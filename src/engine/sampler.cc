#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/logit_math.h"

namespace pensieve::engine {
namespace {

constexpr std::size_t kBlock = 256;  // weights summed at once before looking closer

}  // namespace

Sampler::Sampler(const Sampling& sampling, std::span<const Token> prompt, std::uint32_t seed)
    : sampling_(sampling), penalties_(sampling, prompt), random_(sampling.seed.value_or(seed)) {}

std::optional<Token> Sampler::sample(std::span<float> logits) {
  if (!penalties_.inactive()) penalties_.apply(logits);
  const auto token = choose(logits);
  if (token) penalties_.accept(*token);
  return token;
}

std::optional<Token> Sampler::choose(std::span<const float> logits) {
  const float best = largest(logits);
  if (!std::isfinite(best)) return std::nullopt;
  if (sampling_.temperature <= 0) return static_cast<Token>(index_of(logits, best));

  const float scale = 1.0F / sampling_.temperature;
  const bool limited =
      sampling_.top_k > 0 && static_cast<std::size_t>(sampling_.top_k) < logits.size();
  const bool nucleus = sampling_.top_p < 1.0F;
  double sum = 0;
  if (limited) {
    keep_top_k(logits);
    for (Candidate& candidate : candidates_) {
      candidate.weight = std::exp((candidate.weight - best) * scale);
      sum += static_cast<double>(candidate.weight);
    }
  } else {
    sum = exponentials(logits, best, scale, weights_);
    if (!nucleus && sampling_.min_p <= 0) return draw_from_all(sum);
    collect_candidates(sum);
  }
  if (nucleus) keep_top_p(sum);
  std::erase_if(candidates_, [&](const Candidate& c) { return c.weight < sampling_.min_p; });
  return draw_from_candidates();
}

Token Sampler::draw_from_all(double sum) {
  double rest = random_.next() * sum;
  std::size_t last = 0;  // the last possible token, should rounding carry past the end
  for (std::size_t start = 0; start < weights_.size(); start += kBlock) {
    const auto block = std::span(weights_).subspan(start, std::min(kBlock, weights_.size() - start));
    const double weight = std::accumulate(block.begin(), block.end(), 0.0);
    if (weight <= 0) continue;
    const bool inside = rest < weight;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (block[i] <= 0) continue;
      last = start + i;
      if (inside && (rest -= static_cast<double>(block[i])) < 0) return static_cast<Token>(last);
    }
    if (!inside) rest -= weight;
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

// Fills candidates_ with every token that top_p and min_p might keep. Tokens below
// (1 - top_p) / vocabulary of the whole weigh less than 1 - top_p together, so the nucleus is full
// before it comes to them.
void Sampler::collect_candidates(double sum) {
  const double outside = sampling_.top_p < 1.0F ? 1.0 - static_cast<double>(sampling_.top_p) : 0.0;
  const auto least = static_cast<float>(outside * sum / static_cast<double>(weights_.size()));
  const float floor = std::max(least, sampling_.min_p);
  candidates_.clear();
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] >= floor && weights_[i] > 0) {
      candidates_.push_back({static_cast<Token>(i), weights_[i]});
    }
  }
}

// Keeps the fewest most likely candidates that together reach top_p of `sum`; at least one.
void Sampler::keep_top_p(double sum) {
  const double wanted = sum * static_cast<double>(sampling_.top_p);
  const auto less = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight < b.weight : a.token > b.token;
  };
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
