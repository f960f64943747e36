#include "engine/sampler.h"

#include <algorithm>
#include <cmath>

namespace pensieve::engine {
namespace {

// Tokens less likely than e^-24 of the best are left out before sorting: for 262,144 tokens they
// hold less than 1.2e-5 of the probability together.
constexpr float kNegligible = 24.0F;

Token best_token(std::span<const float> logits) {
  return static_cast<Token>(std::ranges::max_element(logits) - logits.begin());
}

}  // namespace

Sampler::Sampler(const Sampling& settings)
    : settings_(settings), random_(settings.seed ? *settings.seed : std::random_device{}()) {
  const bool penalties = settings.repetition_penalty != 1.0F || settings.frequency_penalty != 0.0F ||
                         settings.presence_penalty != 0.0F;
  if (!penalties) settings_.penalty_last_n = 0;
  adjusts_ = penalties || !settings.logit_bias.empty();
}

void Sampler::accept(Token token) {
  if (settings_.penalty_last_n <= 0) return;
  recent_.push_back(token);
  ++counts_[token];
  if (std::ssize(recent_) > settings_.penalty_last_n) {
    const auto oldest = counts_.find(recent_.front());
    if (--oldest->second == 0) counts_.erase(oldest);
    recent_.pop_front();
  }
}

std::span<const float> Sampler::adjusted(std::span<const float> logits) {
  if (!adjusts_) return logits;
  scratch_.assign(logits.begin(), logits.end());
  for (const auto& [token, count] : counts_) {
    if (token < 0 || token >= std::ssize(scratch_)) continue;
    float& logit = scratch_[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / settings_.repetition_penalty : logit * settings_.repetition_penalty;
    logit -= static_cast<float>(count) * settings_.frequency_penalty + settings_.presence_penalty;
  }
  for (const LogitBias& bias : settings_.logit_bias) {
    if (bias.token < 0 || bias.token >= std::ssize(scratch_)) continue;
    float& logit = scratch_[static_cast<std::size_t>(bias.token)];
    logit = bias.bias <= -100 ? -std::numeric_limits<float>::infinity() : logit + bias.bias;
  }
  return scratch_;
}

Token Sampler::sample(std::span<const float> logits) {
  const std::span<const float> values = adjusted(logits);
  const Token token = settings_.temperature <= 0 || settings_.top_k == 1 ? best_token(values) : draw(values);
  accept(token);
  return token;
}

// Cuts the candidates, sorted as far as needed, to the smallest set that holds top_p, then to those
// with at least min_p of the best one's probability. weights_ are in step with candidates_.
void Sampler::keep_nucleus() {
  std::ranges::sort(candidates_, [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  });
  const float best = candidates_.front().logit;
  double total = 0;
  weights_.clear();
  for (const Candidate& candidate : candidates_) {
    weights_.push_back(std::exp((candidate.logit - best) / settings_.temperature));
    total += weights_.back();
  }
  std::size_t keep = candidates_.size();
  if (settings_.top_p < 1.0F) {
    double sum = 0;
    keep = 0;
    while (keep < weights_.size() && (keep == 0 || sum < settings_.top_p * total)) {
      sum += weights_[keep++];
    }
  }
  if (settings_.min_p > 0) {
    while (keep > 1 && weights_[keep - 1] < settings_.min_p) --keep;
  }
  candidates_.resize(keep);
  weights_.resize(keep);
}

Token Sampler::draw(std::span<const float> logits) {
  const float best = *std::ranges::max_element(logits);
  // Candidates below the cut of min_p need not be looked at either.
  float reach = kNegligible;
  if (settings_.min_p > 0) reach = std::min(reach, -std::log(settings_.min_p) + 1e-3F);
  const float lowest = best - reach * settings_.temperature;
  candidates_.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= lowest) candidates_.push_back({static_cast<Token>(i), logits[i]});
  }
  if (candidates_.empty()) return best_token(logits);
  if (settings_.top_k > 0 && std::ssize(candidates_) > settings_.top_k) {
    std::ranges::nth_element(candidates_, candidates_.begin() + settings_.top_k,
                             std::ranges::greater{}, &Candidate::logit);
    candidates_.resize(static_cast<std::size_t>(settings_.top_k));
  }
  if (settings_.top_p < 1.0F || settings_.min_p > 0) {
    keep_nucleus();
  } else {
    weights_.clear();
    for (const Candidate& candidate : candidates_) {
      weights_.push_back(std::exp((candidate.logit - best) / settings_.temperature));
    }
  }
  double total = 0;
  for (const float weight : weights_) total += weight;
  double left = std::uniform_real_distribution<double>(0, total)(random_);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    left -= weights_[i];
    if (left <= 0) return candidates_[i].token;
  }
  return candidates_.back().token;
}

TokenLogprobs log_probabilities(std::span<const float> logits, Token token, std::int32_t top) {
  const float best = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit - best));
  const double norm = best + std::log(sum);
  const auto entry = [&](Token id) {
    return TokenLogprob{id, {}, static_cast<double>(logits[static_cast<std::size_t>(id)]) - norm};
  };
  TokenLogprobs result{entry(token), {}};
  if (top <= 0) return result;
  std::vector<Token> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Token>(i);
  const auto count = std::min<std::ptrdiff_t>(top, std::ssize(order));
  std::ranges::partial_sort(order, order.begin() + count, std::ranges::greater{},
                            [&](Token id) { return logits[static_cast<std::size_t>(id)]; });
  for (std::ptrdiff_t i = 0; i < count; ++i) result.top.push_back(entry(order[static_cast<std::size_t>(i)]));
  return result;
}

}  // namespace pensieve::engine
