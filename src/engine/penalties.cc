#include "engine/penalties.h"

#include <algorithm>
#include <limits>

namespace pensieve::engine {
namespace {

constexpr float kBan = -100.0F;

bool repeats(const Sampling& sampling) { return sampling.repetition_penalty != 1.0F && sampling.penalty_last_n > 0; }

bool counts(const Sampling& sampling) { return sampling.frequency_penalty != 0.0F || sampling.presence_penalty != 0.0F; }

}  // namespace

Penalties::Penalties(const Sampling& sampling, std::span<const Token> prompt) : sampling_(sampling) {
  if (!repeats(sampling_)) return;
  const auto window = static_cast<std::size_t>(sampling_.penalty_last_n);
  for (const Token token : prompt.last(std::min(window, prompt.size()))) remember(token);
}

bool Penalties::inactive() const { return sampling_.logit_bias.empty() && !repeats(sampling_) && !counts(sampling_); }

void Penalties::apply(std::span<float> logits) const {
  for (const auto& [token, bias] : sampling_.logit_bias) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = bias <= kBan ? -std::numeric_limits<float>::infinity() : logit + bias;
  }
  for (const auto& [token, count] : in_window_) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / sampling_.repetition_penalty : logit * sampling_.repetition_penalty;
  }
  for (const auto& [token, count] : in_answer_) {
    logits[static_cast<std::size_t>(token)] -= static_cast<float>(count) * sampling_.frequency_penalty + sampling_.presence_penalty;
  }
}

void Penalties::accept(Token token) {
  if (repeats(sampling_)) remember(token);
  if (counts(sampling_)) ++in_answer_[token];
}

void Penalties::remember(Token token) {
  if (token < 0) return;  // of an image
  window_.push_back(token);
  ++in_window_[token];
  if (window_.size() <= static_cast<std::size_t>(sampling_.penalty_last_n)) return;
  const auto oldest = in_window_.find(window_.front());
  if (--oldest->second == 0) in_window_.erase(oldest);
  window_.pop_front();
}

}  // namespace pensieve::engine
